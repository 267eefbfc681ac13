#include "commands/commands.h"
#include "engine.h"
#include "interrupt.h"
#include "messages.h"
#include "options.h"
#include "output.h"

#include <medplib/core/image.h>
#include <medplib/core/model.h>

#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <iostream>

namespace medplib::cli {

namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

// 1234567 as "1,234,567".
std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (auto at = static_cast<std::int64_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}

std::string experts_of(const core::ModelInfo& info) {
  std::vector<std::string> layers;
  for (const std::int64_t count : info.experts) layers.push_back(std::to_string(count));
  return core::text_of(joined(layers, " "), " in the layers (0: dense), ", info.experts_per_token,
                       " a token");
}

void print_rows(const Rows& rows) {
  for (const auto& [name, value] : rows)
    if (!value.empty()) std::cout << std::left << std::setw(16) << name << value << '\n';
}

// "layers 32, width 4096, image size 336".
std::string sizes_of(const core::PartInfo& part) {
  std::vector<std::string> sizes;
  for (const auto& [name, size] : part.sizes) sizes.push_back(core::text_of(name, ' ', size));
  std::string text = joined(sizes);
  std::ranges::replace(text, '_', ' ');
  return text;
}

void print_parts(const core::ModelInfo& info) {
  const auto row = [](const std::string& name, const std::string& all, const std::string& read,
                      const std::string& sizes) {
    std::cout << std::left << std::setw(16) << name << std::right << std::setw(16) << all << std::setw(18)
              << read << (sizes.empty() ? "" : "  " + sizes) << '\n';
  };
  row("part", "parameters", "read per token", "sizes");
  for (const core::PartInfo& part : info.parts)
    row(part.name, grouped(part.parameters), part.read_per_token == 0 ? "" : grouped(part.read_per_token),
        sizes_of(part));
  row("all", grouped(info.parameters), grouped(info.read_per_token), "");
}

std::string resident_of(const core::MemoryInfo& memory) {
  return core::text_of(megabytes(memory.resident()), ": weights ", megabytes(memory.weights), ", cache ",
                       megabytes(memory.cache), " when it is full, working ", megabytes(memory.working),
                       ", program ", megabytes(memory.program()));
}

void print_model(const core::ModelInfo& info) {
  print_rows({{"folder", info.folder.string()},
              {"name", info.name},
              {"stage", info.stage},
              {"licence", info.licence},
              {"made for", info.intended_use},
              {"trained on", joined(info.trained_on)},
              {"template", info.conversation_template},
              {"mask geometry", info.mask_geometry},
              {"threshold", core::text_of(info.threshold)},
              {"refines", info.refines ? "yes" : "no"},
              {"phrase + region", info.segments_in_region ? "yes" : "no"},
              {"IoU estimate", info.estimates_iou ? "yes" : "no"},
              {"experts", experts_of(info)},
              {"image", core::text_of(info.image_tokens, " tokens")},
              {"context", core::text_of(info.context, " tokens")},
              {"stored", info.storage},
              {"files", core::first_five(info.weights.files)},
              {"left alone", core::first_five(info.weights.left_alone)},
              {"memory", megabytes(info.memory.total()) + " with a session of full context"},
              {"  mapped",
               megabytes(info.memory.mapped) + " of the files, which the system drops when it needs room"},
              {"  must stay", resident_of(info.memory)}});
  std::cout << '\n';
  print_parts(info);
}

void print_image(const core::Image& image) {
  const core::Image::Origin& origin = image.origin();
  print_rows({{"image", image.name()},
              {"format", origin.format},
              {"size", core::text_of(image.width(), " x ", image.height())},
              {"channels", core::text_of(origin.channels, " of ", origin.bits, " bits")},
              {"window", core::text_of(origin.window_low, " to ", origin.window_high)}});
  for (const std::string& warning : origin.warnings) print_warning(warning);
}

void print_json(const std::string& json) { std::cout << json << std::endl; }

class Info : public Command {
 public:
  CommandText text() const override {
    return {"info", "[DIR]", "Says what a model folder, or an image, consists of.", "",
            "medplib info models/tiny --json"};
  }

  void add_options(Options& options) override {
    add_model(options, folder_);
    add_precision(options, precision_);
    add_text(options, "image", image_, "FILE", "tell about this image instead");
    add_image_options(options, image_options_);
    add_switch(options, "json", json_, "print one JSON object");
  }

  bool prints_json() const override { return json_; }

  int run(const std::vector<std::string>& operands) override {
    if (!image_.empty() && !operands.empty())
      fail_usage("info tells of a model folder or of --image, not of both.");
    std::error_code ignored;
    if (operands.size() == 1 && std::filesystem::is_regular_file(operands.front(), ignored))
      fail_usage("\"", operands.front(), "\" is a file, not a model folder. Use --image for an image.");
    if (image_.empty()) {
      const std::filesystem::path folder = model_folder(folder_, operands, "info");
      const auto info = during(Phase::Model, [&] { return core::inspect(folder, precision_); });
      stop_when_interrupted();
      json_ ? print_json(core::info_json(info)) : print_model(info);
    } else {
      const auto image = during(Phase::Input, [&] { return core::Image::read(image_, image_options_); });
      stop_when_interrupted();
      json_ ? print_json(core::info_json(image)) : print_image(image);
    }
    return kOk;
  }

 private:
  std::string folder_, image_;
  core::Precision precision_ = core::Precision::Float32;
  core::ImageOptions image_options_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_info() { return std::make_unique<Info>(); }

}  // namespace medplib::cli
