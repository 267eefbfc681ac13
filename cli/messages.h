// What goes to stderr: errors, warnings, the engine's log. stdout belongs to results.
#pragma once

#include "command.h"

#include <string>

namespace medplib::cli {

// A closed standard stream stays one that cannot be used: else the next file that is opened would have its
// number, and what is printed would go into that file.
void occupy_closed_streams();

// --quiet and --log-level, which every command has.
void add_message_options(Options& options);
// Sends the engine's log to stderr as the options say.
void start_messages();
bool quiet();

void print_error(const std::string& sentence);
void print_warning(const std::string& sentence);
// What a command has to say of its work besides its results; not with --quiet.
void print_note(const std::string& sentence);

bool stdout_is_terminal();
bool stderr_is_terminal();

}  // namespace medplib::cli
