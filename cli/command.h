// A subcommand, and the table of them all.
#pragma once

#include <boost/program_options/options_description.hpp>

#include <memory>
#include <string>
#include <vector>

namespace medplib::cli {

using Options = boost::program_options::options_description;

// What a command says of itself.
struct CommandText {
  std::string name;
  std::string operands;  // "IMAGE [IMAGE...] QUESTION"
  std::string summary;   // one line
  std::string details;   // what the options do not say; may be empty
  std::string example;   // a command line, without indentation
};

class Command {
 public:
  virtual ~Command() = default;
  virtual CommandText text() const = 0;
  // Puts its options, bound to its members, into the table that parsing, help and completion are made from.
  virtual void add_options(Options& options) = 0;
  // Whether its one result is a JSON object; after the options were read.
  virtual bool prints_json() const { return false; }
  // Does the work, after the options were read. Returns the exit code.
  virtual int run(const std::vector<std::string>& operands) = 0;
};

using Commands = std::vector<std::unique_ptr<Command>>;

// In the order of `medplib --help`. A new command is one file under commands/ and one line in commands.cpp.
Commands all_commands();

// The options of a command together with those that every command has.
Options options_of(Command& command);
// `medplib --version`, `--json`, `--help`: before the command.
Options global_options();

}  // namespace medplib::cli
