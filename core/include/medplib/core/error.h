// Errors: a code for the program, and one sentence for people: what was wrong, where, and what to do.
#pragma once

#include <medplib/core/names.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace medplib::core {

// The codes of the C ABI (medplib.h), in its order and with its values.
enum class ErrorCode : std::int32_t {
  InvalidArgument = -1,  // the caller's option, question or region cannot be used
  NotFound = -2,         // a file or a named thing does not exist
  Format = -3,           // a file is there but is not what it should be
  OutOfHostMemory = -4,
  OutOfDeviceMemory = -5,
  Device = -6,        // the device is missing or failed
  Cancelled = -7,     // the caller asked to stop
  Callback = -8,      // a callback failed
  Version = -9,       // made for another version
  State = -10,        // the call is not possible in the object's present state
  Unsupported = -11,  // well-formed, but not supported by this engine
  Io = -12,           // reading or writing failed
  Internal = -13      // a defect of the engine
};

// As the C ABI spells them without prefix.
template <>
struct Names<ErrorCode> {
  static constexpr const char* kind = "error code";
  static constexpr NameTable<ErrorCode, 13> all = {{{ErrorCode::InvalidArgument, "INVALID_ARG"},
                                                    {ErrorCode::NotFound, "NOT_FOUND"},
                                                    {ErrorCode::Format, "FORMAT"},
                                                    {ErrorCode::OutOfHostMemory, "OOM_HOST"},
                                                    {ErrorCode::OutOfDeviceMemory, "OOM_DEVICE"},
                                                    {ErrorCode::Device, "DEVICE"},
                                                    {ErrorCode::Cancelled, "CANCELLED"},
                                                    {ErrorCode::Callback, "CALLBACK"},
                                                    {ErrorCode::Version, "VERSION"},
                                                    {ErrorCode::State, "STATE"},
                                                    {ErrorCode::Unsupported, "UNSUPPORTED"},
                                                    {ErrorCode::Io, "IO"},
                                                    {ErrorCode::Internal, "INTERNAL"}}};
};

// The longest sentence, in characters.
constexpr std::size_t kLongestMessage = 1000;

// What an error is about, where callers tell them apart, as the program's exit code does.
enum class Subject {
  None,   // the work, its results, or nothing that needs to be told
  Model,  // a model folder that was read
  Data    // another input that was read: of a training, its recipe, records, and what it starts from
};

class Error : public std::runtime_error {
 public:
  // What of the message is not UTF-8, as a file's name may be, becomes U+FFFD. What is longer than
  // kLongestMessage loses its middle.
  Error(ErrorCode code, const std::string& message, std::vector<std::string> details = {});
  ErrorCode code() const noexcept { return code_; }
  Subject subject() const noexcept { return subject_; }
  void set_subject(Subject subject) noexcept { subject_ = subject; }

  // All that a sentence with several things at fault is about, one a line; it names the first five of each
  // kind. Empty where the sentence says everything.
  const std::vector<std::string>& details() const noexcept { return *details_; }

 private:
  ErrorCode code_;
  std::shared_ptr<const std::vector<std::string>> details_;  // shared: an exception's copy must not throw
  Subject subject_ = Subject::None;
};

// `text` itself, or its beginning and end with "…" between, `most` characters in all.
std::string shortened(std::string_view text, std::size_t most);

// "a, b, c, d, e and 7 more": a list in a sentence. Each name has at most `most` characters.
std::string first_five(const std::vector<std::string>& names, std::size_t most = 100);

// The parts, written one after the other.
template <class... Parts>
std::string text_of(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

// Throws Error(code) with the parts as its sentence.
template <class... Parts>
[[noreturn]] void fail(ErrorCode code, const Parts&... parts) {
  throw Error(code, text_of(parts...));
}

}  // namespace medplib::core
