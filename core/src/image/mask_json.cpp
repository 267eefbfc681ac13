#include "image/mask_json.h"

namespace medplib::core {

Json json_of(const Mask& mask) {
  const RunLengths runs = mask.run_lengths();
  const cv::Rect box = mask.box();
  return {{"label", mask.label()},
          {"area", mask.area()},
          {"presence", mask.presence ? Json(*mask.presence) : Json()},
          {"iou_estimate", mask.iou_estimate ? Json(*mask.iou_estimate) : Json()},
          {"threshold", mask.threshold()},
          {"bbox", box.empty() ? Json() : Json({box.x, box.y, box.width, box.height})},
          {"rle", {{"size", {runs.height, runs.width}}, {"counts", runs.counts}}}};
}

std::string mask_json(const Mask& mask) { return json_text(json_of(mask)); }

}  // namespace medplib::core
