// Reading options strictly, and the groups of options that commands share.
#pragma once

#include "command.h"
#include "exit_codes.h"

#include <medplib/core/image.h>
#include <medplib/core/session.h>

#include <boost/program_options/value_semantic.hpp>

#include <algorithm>
#include <charconv>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace medplib::cli {

// Sets what the options are bound to and returns the operands. Nothing is guessed: an unknown, shortened,
// repeated or incomplete option is a usage error.
std::vector<std::string> parse(const Options& options, const std::vector<std::string>& arguments);

// `medplib COMMAND --help`.
std::string help_text(Command& command);

template <class T>
struct Range {
  T low, high;
  const char* words;  // "from 1 to 100"
};

// The whole of `text` as a number in the range; "nan", "1e3" for an integer and "-1" for a count are refused.
template <class T>
T number(const std::string& text, const char* option, const Range<T>& range) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [stopped, failed] = std::from_chars(text.data(), end, value);
  if (failed != std::errc{} || stopped != end || !(value >= range.low && value <= range.high))
    fail_usage("\"", text, "\" cannot be the value of --", option, ": give a number ", range.words, ".");
  return value;
}

// `target` is a number or an optional one.
template <class T, class Target>
void add_number(Options& options, const char* name, Target& target, const Range<T>& range, std::string help) {
  if constexpr (std::is_same_v<T, Target>) help = core::text_of(help, " (default ", target, ")");
  const auto set = [&target, name, range](const std::string& text) { target = number<T>(text, name, range); };
  namespace po = boost::program_options;
  options.add_options()(name, po::value<std::string>()->value_name("N")->notifier(set), help.c_str());
}

// One of the words that an enumeration has, with hyphens.
template <class Enum>
void add_choice(Options& options, const char* name, Enum& target, const char* help) {
  const auto spelt = [](const char* its_name) {
    std::string word = its_name;
    std::ranges::replace(word, '_', '-');
    return word;
  };
  std::string words;
  for (const auto& [value, its_name] : core::Names<Enum>::all)
    words.append(words.empty() ? "" : "|").append(spelt(its_name));
  const auto set = [&target, name, spelt, words](const std::string& text) {
    for (const auto& [value, its_name] : core::Names<Enum>::all)
      if (spelt(its_name) == text) return void(target = value);
    fail_usage("\"", text, "\" cannot be the value of --", name, ": give ", words, ".");
  };
  namespace po = boost::program_options;
  options.add_options()(name, po::value<std::string>()->value_name(words)->notifier(set), help);
}

void add_switch(Options& options, const char* name, bool& target, const char* help);
// `kind` is what help shows for the value; FILE and DIR are completed as such.
void add_text(Options& options, const char* name, std::string& target, const char* kind, const char* help);
void add_texts(Options& options, const char* name, std::vector<std::string>& target, const char* kind,
               const char* help);

// Groups, named as the fields of the API.
void add_model(Options& options, std::string& folder);
void add_precision(Options& options, core::Precision& precision);
void add_regions(Options& options, std::vector<std::string>& regions);
void add_ask_options(Options& options, core::AskOptions& ask);
void add_threshold(Options& options, std::optional<double>& threshold);
void add_image_options(Options& options, core::ImageOptions& image);

}  // namespace medplib::cli
