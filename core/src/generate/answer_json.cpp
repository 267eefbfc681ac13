// An answer as JSON.
#include "image/mask_json.h"
#include "nn/routing.h"

#include <medplib/core/session.h>

namespace medplib::core {

std::string answer_json(const Answer& answer) {
  Json masks = Json::array();
  for (const Mask& mask : answer.masks) masks.push_back(json_of(mask));
  Json timing = Json::object();
  std::apply([&](const auto&... field) { ((timing[field.first] = answer.timing.*field.second), ...); },
             kTimingFields);
  return json_text({{"text", answer.text},
                    {"masks", std::move(masks)},
                    {"presence", answer.presence ? Json(*answer.presence) : Json()},
                    {"prompt", answer.prompt},
                    {"warnings", answer.warnings},
                    {"finish", to_text(answer.finish)},
                    {"timing", std::move(timing)},
                    {"tokens", answer.tokens},
                    {"routing", answer.routing},
                    {"routing_by_kind", json_of(answer.routing_by_kind)},
                    {"near_ties", answer.near_ties}});
}

}  // namespace medplib::core
