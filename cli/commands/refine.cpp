#include "commands/commands.h"
#include "engine.h"
#include "messages.h"
#include "options.h"
#include "output.h"

#include <iostream>
#include <sstream>
#include <variant>

namespace medplib::cli {

namespace {

core::Click parse_click(const std::string& text) {
  std::istringstream in(text);
  std::string x, y, sign;
  std::getline(in, x, ',');
  std::getline(in, y, ',');
  std::getline(in, sign);
  if (sign != "+" && sign != "-")
    fail_usage("\"", text, "\" is no click: write x,y,+ for a place inside and x,y,- for one outside.");
  const Range<double> any{-1e9, 1e9, "of pixels"};
  return {number<double>(x, "click", any), number<double>(y, "click", any), sign == "+"};
}

class Refine : public Command {
 public:
  CommandText text() const override;
  void add_options(Options& options) override;
  bool prints_json() const override { return json_; }
  int run(const std::vector<std::string>& operands) override;

 private:
  core::Region parse_box() const;
  core::Mask refine(const core::Image& image, const std::optional<core::Mask>& earlier,
                    const std::vector<core::Click>& clicks, const std::optional<core::Region>& box);
  void print(const std::string& name, const core::Mask& mask, const WrittenPictures& written) const;

  Engine engine_;
  core::ImageOptions image_;
  std::vector<std::string> clicks_;
  std::string mask_, box_;
  PictureFiles files_;
  OutputPlan outputs_;
  std::optional<double> threshold_;
  bool json_ = false;
};

CommandText Refine::text() const {
  return {"refine", "IMAGE", "Mends a mask with clicks, or draws one from clicks or a box.",
          "At least one click or a box is needed.",
          "medplib refine eye.jpg --mask disc.png --click 250,130,+ --click 300,90,- --out-mask better.png"};
}

void Refine::add_options(Options& options) {
  add_texts(options, "click", clicks_, "x,y,+|x,y,-", "a pixel inside (+) or outside (-); may be repeated");
  add_text(options, "mask", mask_, "FILE", "the mask so far: any value of 1 or more is inside");
  add_text(options, "region", box_, "box:x0,y0,x1,y1", "a box around what is meant");
  add_text(options, "out-mask", files_.masks, "FILE", "write the mask as a PNG of 0 and 255 at image size");
  add_text(options, "overlay", files_.overlay, "FILE", "write the image with the mask drawn on it as a PNG");
  add_switch(options, "json", json_, "print the mask as one JSON object");
  add_threshold(options, threshold_);
  engine_.add_options(options);
  add_image_options(options, image_);
}

core::Region Refine::parse_box() const {
  core::Region region = during(Phase::Input, [&] { return core::Region::parse(box_, image_.limits); });
  if (!std::holds_alternative<core::Region::Box>(region.shape()))
    fail_usage("\"", box_, "\" is no box: refine takes --region box:x0,y0,x1,y1.");
  return region;
}

int Refine::run(const std::vector<std::string>& operands) {
  if (operands.size() != 1) fail_usage("refine needs one image.");
  if (clicks_.empty() && box_.empty()) fail_usage("refine needs a --click or a --region box:x0,y0,x1,y1.");
  std::vector<core::Click> clicks;
  for (const std::string& click : clicks_) clicks.push_back(parse_click(click));
  std::optional<core::Region> box;
  if (!box_.empty()) box = parse_box();
  outputs_.plan(files_, operands, {});  // the mask so far may be replaced by the better one
  if (json_ && outputs_.takes_standard_output())
    fail_usage("JSON and a picture cannot both go to the standard output: name a file for the picture.");

  const core::Image image = during(Phase::Input, [&] { return core::Image::read(operands.front(), image_); });
  std::vector<cv::Mat> pointed_at;
  if (box) pointed_at.push_back(box->rasterize(image.width(), image.height()));
  std::optional<core::Mask> earlier;
  if (!mask_.empty())
    earlier = core::Mask::from_region(
        during(Phase::Input, [&] { return core::Region::mask_file(mask_, image_.limits); }), image.width(),
        image.height());

  core::Mask better = refine(image, earlier, clicks, box);
  const WrittenPictures written = outputs_.write(image, {better}, pointed_at, better.warnings);
  for (const std::string& warning : better.warnings) print_warning(warning);
  print(operands.front(), better, written);
  return kOk;
}

core::Mask Refine::refine(const core::Image& image, const std::optional<core::Mask>& earlier,
                          const std::vector<core::Click>& clicks, const std::optional<core::Region>& box) {
  core::Session& session = engine_.session();
  return during(Phase::Work, [&] {
    session.set_image(image);
    return session.refine(earlier, clicks, box, threshold_);
  });
}

void Refine::print(const std::string& name, const core::Mask& mask, const WrittenPictures& written) const {
  if (!json_) {
    (outputs_.takes_standard_output() ? std::cerr : std::cout) << line_of(mask, written.masks[0]) << '\n';
    return;
  }
  Json json = {{"image", name},
               {"masks", Json::array({json_of(mask, written.masks[0])})},
               {"warnings", mask.warnings}};
  if (!written.overlay.empty()) json["overlay"] = written.overlay;
  print_line(json);
}

}  // namespace

std::unique_ptr<Command> make_refine() { return std::make_unique<Refine>(); }

}  // namespace medplib::cli
