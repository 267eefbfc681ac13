// medplib: options before the command, the command, its options and operands. Each side is read strictly.
#include "exit_codes.h"
#include "interrupt.h"
#include "messages.h"
#include "options.h"
#include "output.h"

#include <medplib/core/current_error.h>
#include <medplib/core/runtime.h>

#include <algorithm>
#include <iomanip>
#include <iostream>

namespace medplib::cli {

namespace {

using Arguments = std::vector<std::string>;

struct Globals {
  bool help = false, version = false, json = false;
};

void add_globals(Options& options, Globals& globals) {
  options.add_options()("help,h", boost::program_options::bool_switch(&globals.help), "show this and end");
  add_switch(options, "version", globals.version, "show the version and end");
  add_switch(options, "json", globals.json, "with --version: one JSON object");
}

void add_common(Options& options, bool& help) {
  add_message_options(options);
  options.add_options()("help,h", boost::program_options::bool_switch(&help), "show this and end");
}

void print_help() {
  std::cout << "Usage: medplib [OPTION] COMMAND ...\n\n"
               "Answers questions about medical images, in words and in pixels.\n\nCommands:\n";
  for (const std::unique_ptr<Command>& command : all_commands())
    std::cout << "  " << std::left << std::setw(12) << command->text().name << command->text().summary
              << '\n';
  std::cout << '\n'
            << global_options() << R"(
`medplib COMMAND --help` shows a command's options.

Exit codes: 0 all went well, 1 failure, 2 wrong use, 3 the model could not be loaded, 4 an input could not be
read, 5 some of several items failed, 130 interrupted.

Example:
  medplib segment eye.jpg "optic disc" --out-mask disc.png
)";
}

void print_version(bool json) {
  if (json)
    std::cout << core::build_info_json() << '\n';
  else
    std::cout << "medplib " << core::version() << '\n';
}

Globals parse_globals(const Arguments& arguments) {
  Globals globals;
  Options options;
  add_globals(options, globals);
  parse(options, arguments);
  return globals;
}

Command* find_command(const Commands& commands, const std::string& name) {
  for (const std::unique_ptr<Command>& command : commands)
    if (command->text().name == name) return command.get();
  return nullptr;
}

int run_command(const std::string& name, const Arguments& arguments) {
  const Commands commands = all_commands();
  Command* const command = find_command(commands, name);
  if (command == nullptr) fail_usage("\"", name, "\" is no command of medplib.");
  bool help = false;
  Options options;
  command->add_options(options);
  add_common(options, help);
  const Arguments operands = parse(options, arguments);
  if (help) return std::cout << help_text(*command), kOk;
  start_messages();
  try {
    return command->run(operands);
  } catch (const core::Error& error) {
    // What the sentence on stderr has no room for.
    if (command->prints_json() && !error.details().empty()) print_line({{"error", json_of(error)}});
    throw;
  }
}

// What stands before the command has no values: the first word without a dash is the command.
int run(const Arguments& arguments) {
  const auto command =
      std::ranges::find_if(arguments, [](const std::string& word) { return !word.starts_with('-'); });
  const Globals globals = parse_globals({arguments.begin(), command});
  if (globals.help) return print_help(), kOk;
  if (globals.version) return print_version(globals.json), kOk;
  if (globals.json) fail_usage("--json before the command goes with --version only.");
  if (command == arguments.end()) fail_usage("No command was given.");
  return run_command(*command, {command + 1, arguments.end()});
}

int report(const core::Error& error, const Arguments& arguments) {
  print_error(error.what());
  if (phase_of(error) == Phase::Arguments) {
    const bool known = !arguments.empty() && find_command(all_commands(), arguments.front()) != nullptr;
    std::cerr << "Try: medplib " << (known ? arguments.front() + " " : "") << "--help\n";
  }
  return exit_code(error);
}

// Says what the exception under way is about. Returns the exit code.
int report_current(const Arguments& arguments) {
  try {
    throw;
  } catch (const std::ios_base::failure&) {
    print_error("Writing to the standard output failed. Is the disk full?");
    return kFailure;
  } catch (const core::Error& error) {
    return report(error, arguments);
  } catch (...) {
    return report(core::current_error(), arguments);
  }
}

}  // namespace

Options options_of(Command& command) {
  static bool ignored;
  Options options("Options", 100);
  command.add_options(options);
  add_common(options, ignored);
  return options;
}

Options global_options() {
  static Globals ignored;
  Options options("Options", 100);
  add_globals(options, ignored);
  return options;
}

}  // namespace medplib::cli

int main(int count, char** words) {
  using namespace medplib;
  const std::vector<std::string> arguments(words + 1, words + count);
  cli::occupy_closed_streams();
  cli::catch_interrupts();
  try {
    std::cout.exceptions(std::ios::badbit | std::ios::failbit);
    const int code = cli::run(arguments);
    std::cout.flush();
    return code;
  } catch (...) {
    std::cout.exceptions(std::ios::goodbit);  // stderr is tied to it and must not throw, too
    return cli::report_current(arguments);
  }
}
