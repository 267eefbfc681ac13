#include "commands/commands.h"
#include "options.h"

#include <boost/program_options/options_description.hpp>

#include <algorithm>
#include <iostream>
#include <map>
#include <sstream>

namespace medplib::cli {

namespace {

std::string option_words(const Options& options) {
  std::string words;
  for (const auto& option : options.options()) words += (words.empty() ? "--" : " --") + option->long_name();
  return words;
}

// The bash that completes the value of an option of this kind.
std::string value_completion(const std::string& kind) {
  if (kind == "FILE") return "files -f";
  if (kind == "DIR") return "files -d";
  if (kind.find('|') == std::string::npos || kind.find(',') != std::string::npos) return ":";
  std::string words = kind;
  std::ranges::replace(words, '|', ' ');
  return "words \"" + words + "\"";
}

std::string operand_completion(const Command& command) {
  const CommandText text = command.text();
  if (text.name == "completion") return "else words bash";
  if (text.name == "data") return "elif [[ $previous == data ]]; then words check; else files -f";
  return text.operands == "[DIR]" ? "else files -d" : "else files -f";
}

// `--option) …;;` for every option that has a value. An option is of one kind in all commands.
std::string value_cases(const std::map<std::string, std::string>& kinds) {
  std::string cases;
  for (const auto& [option, kind] : kinds)
    cases += "    --" + option + ") " + value_completion(kind) + "; return;;\n";
  return cases;
}

constexpr const char* kScript = R"(# bash completion for medplib: source <(medplib completion bash)
_medplib() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command= i
  COMPREPLY=()
  words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current"); }
  files() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen "$1" -- "$current"); }
  # Readline takes --option=value for three words.
  if [[ $current == "=" ]]; then current=; elif [[ $previous == "=" ]]; then previous=${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ ${COMP_WORDS[i]} != -* ]]; then command=${COMP_WORDS[i]}; break; fi
  done
  case $previous in
@VALUES@  esac
  case $command in
    "") words "@COMMANDS@";;
@OPTIONS@  esac
}
complete -F _medplib medplib
)";

std::string filled(std::string script, const std::string& place, const std::string& text) {
  return script.replace(script.find(place), place.size(), text);
}

std::string bash_script() {
  std::string names = option_words(global_options()), options;
  std::map<std::string, std::string> kinds;
  for (const std::unique_ptr<Command>& command : all_commands()) {
    const Options table = options_of(*command);
    const std::string name = command->text().name;
    names += " " + name;
    options += "    " + name + ") if [[ $current == -* ]]; then words \"" + option_words(table) + "\"; " +
               operand_completion(*command) + "; fi;;\n";
    for (const auto& option : table.options())
      if (option->semantic()->max_tokens() > 0) kinds[option->long_name()] = option->format_parameter();
  }
  return filled(filled(filled(kScript, "@VALUES@", value_cases(kinds)), "@COMMANDS@", names), "@OPTIONS@",
                options);
}

class Completion : public Command {
 public:
  CommandText text() const override {
    return {"completion", "bash", "Prints a script that completes medplib's command lines.", "",
            "source <(medplib completion bash)"};
  }
  void add_options(Options&) override {}
  int run(const std::vector<std::string>& operands) override {
    if (operands != std::vector<std::string>{"bash"})
      fail_usage("completion needs the name of a shell: bash.");
    std::cout << bash_script();
    return kOk;
  }
};

}  // namespace

std::unique_ptr<Command> make_completion() { return std::make_unique<Completion>(); }

}  // namespace medplib::cli
