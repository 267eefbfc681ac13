#include "base/json.h"

#include <medplib/core/check.h>

namespace medplib::core {

std::string data_check_json(const DataSummary& summary, const std::vector<DataFinding>& findings) {
  Json list = Json::array(), counts = Json::object();
  for (const DataFinding& found : findings)
    list.push_back({{"fault", to_text(found.fault)},
                    {"list", found.list.string()},
                    {"record", found.record},
                    {"line", found.line},
                    {"id", found.id},
                    {"message", found.sentence}});
  for (const auto& [fault, count] : summary.findings) counts[to_text(fault)] = count;
  return json_text({{"records", summary.records},
                    {"at_fault", summary.at_fault},
                    {"images", summary.images},
                    {"regions", summary.regions},
                    {"masks", summary.masks},
                    {"modality", summary.modality},
                    {"subset", summary.subset},
                    {"answer_type", summary.answer_type},
                    {"published", {{"records", kPublishedRecords}, {"modalities", kPublishedModalities}}},
                    {"pictures", summary.pictures},
                    {"faults", counts},
                    {"findings", list}});
}

}  // namespace medplib::core
