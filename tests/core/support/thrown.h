// The code and sentence of what is thrown.
#pragma once

#include <medplib/core/error.h>

#include <string>

namespace medplib::test {

struct Thrown {
  core::ErrorCode code = core::ErrorCode::Internal;
  std::string sentence = "nothing was thrown";
};

template <class Call>
Thrown thrown_by(const Call& call) {
  try {
    call();
  } catch (const core::Error& error) {
    return {error.code(), error.what()};
  }
  return {};
}

}  // namespace medplib::test
