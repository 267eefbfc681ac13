#include "options.h"

#include <boost/program_options/cmdline.hpp>
#include <boost/program_options/errors.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/variables_map.hpp>

#include <cstdint>
#include <limits>
#include <sstream>

namespace medplib::cli {

namespace po = boost::program_options;

namespace {

// Boost takes whatever follows as the value: in `--out-mask --json` the value was forgotten.
void refuse_forgotten_value(const Options& options, const po::option& option) {
  for (const std::string& value : option.value)
    if (value.starts_with("--") && value.size() > 2 &&
        options.find_nothrow(value.substr(2), false) != nullptr)
      fail_usage("The value of --", option.string_key, " is missing: ", value, " follows.");
}

}  // namespace

std::vector<std::string> parse(const Options& options, const std::vector<std::string>& arguments) {
  namespace style = po::command_line_style;
  try {
    const po::parsed_options parsed = po::command_line_parser(arguments)
                                          .options(options)
                                          .style(style::unix_style & ~style::allow_guessing)
                                          .run();
    std::vector<std::string> operands;
    for (const po::option& option : parsed.options) {
      if (option.string_key.empty())
        operands.insert(operands.end(), option.value.begin(), option.value.end());
      else
        refuse_forgotten_value(options, option);
    }
    po::variables_map values;
    po::store(parsed, values);
    po::notify(values);
    return operands;
  } catch (const po::error& error) {
    fail_usage(error.what(), ".");
  }
}

std::string help_text(Command& command) {
  const CommandText text = command.text();
  std::ostringstream out;
  out << "Usage: medplib " << text.name << " [OPTION...] " << text.operands << "\n\n"
      << text.summary << "\n\n";
  if (!text.details.empty()) out << text.details << "\n\n";
  out << options_of(command) << "\nExample:\n  " << text.example << '\n';
  return out.str();
}

void add_switch(Options& options, const char* name, bool& target, const char* help) {
  options.add_options()(name, po::bool_switch(&target), help);
}

void add_text(Options& options, const char* name, std::string& target, const char* kind, const char* help) {
  const auto not_empty = [name](const std::string& text) {
    if (text.empty()) fail_usage("The value of --", name, " is empty.");
  };
  options.add_options()(name, po::value(&target)->value_name(kind)->notifier(not_empty), help);
}

void add_texts(Options& options, const char* name, std::vector<std::string>& target, const char* kind,
               const char* help) {
  options.add_options()(name, po::value(&target)->value_name(kind), help);
}

void add_model(Options& options, std::string& folder) {
  add_text(options, "model", folder, "DIR", "model folder (default: the embedded model)");
}

void add_precision(Options& options, core::Precision& precision) {
  add_choice(options, "precision", precision, "what the weights are computed in (default float32)");
}

void add_regions(Options& options, std::vector<std::string>& regions) {
  add_texts(options, "region", regions, "REGION",
            "what to look at, in pixels of the first image: point:x,y  box:x0,y0,x1,y1  polygon:x,y,x,y,...  "
            "scribble:x,y,x,y,...  mask:FILE; repeatable where a question names several places");
}

void add_ask_options(Options& options, core::AskOptions& ask) {
  constexpr int most = std::numeric_limits<int>::max();
  add_number(options, "max-new-tokens", ask.max_new_tokens, Range<int>{1, most, "of tokens, at least 1"},
             "longest answer");
  add_number(options, "temperature", ask.temperature, Range<double>{0, 1e6, "from 0 to 1000000"},
             "0 takes the likeliest token, more draws at random");
  add_number(options, "top-k", ask.top_k, Range<int>{0, most, "of tokens, or 0 for all"},
             "draw from this many tokens only, 0: from all");
  add_number(options, "top-p", ask.top_p,
             Range<double>{std::numeric_limits<double>::min(), 1, "above 0 and at most 1"},
             "draw from the likeliest tokens that make up this probability");
  add_number(
      options, "seed", ask.seed,
      Range<std::uint64_t>{0, std::numeric_limits<std::uint64_t>::max(), "that is whole and not negative"},
      "of the random draws");
  add_threshold(options, ask.threshold);
}

void add_threshold(Options& options, std::optional<double>& threshold) {
  constexpr double least = std::numeric_limits<double>::min();
  constexpr double below_one = 1 - std::numeric_limits<double>::epsilon() / 2;
  add_number(options, "threshold", threshold, Range<double>{least, below_one, "between 0 and 1"},
             "a pixel is inside when its probability is above this (default: the model's)");
}

void add_image_options(Options& options, core::ImageOptions& image) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  add_number(options, "max-bytes", image.limits.max_bytes, Range<std::uint64_t>{1, most, "of bytes"},
             "largest image file that is read");
  add_number(options, "max-pixels", image.limits.max_pixels, Range<std::uint64_t>{1, most, "of pixels"},
             "largest image that is decoded");
  add_choice(options, "sixteen-bit", image.sixteen_bit,
             "how 16 bits become 8 (default window: darkest to brightest value but for outliers)");
}

}  // namespace medplib::cli
