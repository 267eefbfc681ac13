#include "commands/commands.h"

namespace medplib::cli {

Commands all_commands() {
  Commands commands;
  commands.push_back(make_ask());
  commands.push_back(make_segment());
  commands.push_back(make_describe());
  commands.push_back(make_refine());
  commands.push_back(make_chat());
  commands.push_back(make_info());
  commands.push_back(make_verify());
  commands.push_back(make_train());
  commands.push_back(make_experts());
  commands.push_back(make_data());
  commands.push_back(make_completion());
  return commands;
}

}  // namespace medplib::cli
