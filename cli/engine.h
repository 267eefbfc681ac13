// The model and the session of a command, loaded when they are first needed.
#pragma once

#include "command.h"

#include <medplib/core/model.h>
#include <medplib/core/session.h>

#include <optional>
#include <string>
#include <vector>

namespace medplib::cli {

// The folder given by --model, else the embedded one. Errors: as core::embedded_model.
std::filesystem::path model_folder(const std::string& given);

// The same, of a command that takes the folder as its operand, too. Errors: a usage error, where there are
// several.
std::filesystem::path model_folder(const std::string& given, const std::vector<std::string>& operands,
                                   const char* command);

class Engine {
 public:
  void add_options(Options& options);

  // Loads at the first call; so arguments and the first image are checked before. Ctrl-C ends loading, and
  // each call of the session at its next layer. Errors: Failure(Model).
  core::Session& session();

 private:
  core::Session open() const;

  std::string folder_;
  core::LoadOptions load_;
  core::SessionOptions session_options_;
  std::optional<int> threads_;
  std::optional<core::Session> session_;
};

}  // namespace medplib::cli
