// One maker a subcommand, each in the file of its name.
#pragma once

#include "command.h"

namespace medplib::cli {

std::unique_ptr<Command> make_ask();
std::unique_ptr<Command> make_segment();
std::unique_ptr<Command> make_describe();
std::unique_ptr<Command> make_refine();
std::unique_ptr<Command> make_chat();
std::unique_ptr<Command> make_info();
std::unique_ptr<Command> make_verify();
std::unique_ptr<Command> make_train();
std::unique_ptr<Command> make_experts();
std::unique_ptr<Command> make_data();
std::unique_ptr<Command> make_completion();

}  // namespace medplib::cli
