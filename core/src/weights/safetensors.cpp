#include "weights/safetensors.h"

#include "base/files.h"

#include <medplib/core/error.h>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <set>
#include <string_view>
#include <sys/mman.h>
#include <sys/stat.h>
#include <tuple>
#include <unistd.h>

namespace medplib::core {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t length_bytes = 8;
constexpr std::uint64_t longest_header = 100'000'000;
constexpr std::size_t most_dimensions = 16;

struct TypeName {
  const char* name;
  c10::ScalarType dtype;
};
constexpr std::array<TypeName, 10> types = {{{"F64", at::kDouble},
                                             {"F32", at::kFloat},
                                             {"F16", at::kHalf},
                                             {"BF16", at::kBFloat16},
                                             {"I64", at::kLong},
                                             {"I32", at::kInt},
                                             {"I16", at::kShort},
                                             {"I8", at::kChar},
                                             {"U8", at::kByte},
                                             {"BOOL", at::kBool}}};

struct Mapping {
  std::shared_ptr<const char> bytes;
  std::uint64_t size = 0;
};

struct Descriptor {
  explicit Descriptor(int opened) : number(opened) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  const int number;
};

Mapping map_file(const fs::path& path) {
  // Non-blocking, so that a pipe in the file's place is not waited for.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.number < 0 && (errno == ENOENT || errno == ENOTDIR))
    fail(ErrorCode::NotFound, path, " does not exist. Check the path.");
  if (file.number < 0)
    fail(ErrorCode::Io, path, " cannot be opened for reading: ", std::strerror(errno), ".");
  struct stat status {};
  if (::fstat(file.number, &status) != 0)
    fail(ErrorCode::Io, path, " cannot be read: ", std::strerror(errno), ".");
  if (!S_ISREG(status.st_mode)) fail(ErrorCode::NotFound, path, " is not a file.");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size < length_bytes)
    fail(ErrorCode::Format, path, " has only ", size,
         " bytes, too few for a safetensors file. Is it truncated?");
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number, 0);
  if (address == MAP_FAILED)
    fail(errno == ENOMEM ? ErrorCode::OutOfHostMemory : ErrorCode::Io, path,
         " cannot be mapped: ", std::strerror(errno), ".");
  return {{static_cast<const char*>(address),
           [size](const char* start) { ::munmap(const_cast<char*>(start), size); }},
          size};
}

std::uint64_t header_length(const fs::path& path, const Mapping& mapping) {
  std::uint64_t length = 0;
  for (std::uint64_t i = length_bytes; i-- > 0;)
    length = (length << 8) | static_cast<unsigned char>(mapping.bytes.get()[i]);
  if (length > longest_header)
    fail(ErrorCode::Format, path, " says that its header has ", length, " bytes; at most ", longest_header,
         " are allowed. Is it a safetensors file?");
  if (length > mapping.size - length_bytes)
    fail(ErrorCode::Format, path, " says that its header has ", length, " bytes, but only ",
         mapping.size - length_bytes, " follow. Is it truncated?");
  if (length == 0 || mapping.bytes.get()[length_bytes] != '{')
    fail(ErrorCode::Format, path, " has a header that does not start with '{'. Is it a safetensors file?");
  return length;
}

// Returns the header as JSON; refused as soon as it is nested deeper than a tensor's entry or has a key
// twice.
nlohmann::json parse_header(const fs::path& path, std::string_view text) {
  using Event = nlohmann::json::parse_event_t;
  std::array<std::set<std::string>, 3> keys;  // of the object open at each depth
  const auto check = [&](int depth, Event event, const nlohmann::json& value) {
    if ((event == Event::object_start || event == Event::array_start) && depth > 2)
      fail(ErrorCode::Format, path, " has a header that is nested too deeply.");
    if (event == Event::object_start) keys.at(static_cast<std::size_t>(depth)).clear();
    if (event == Event::key &&
        !keys.at(static_cast<std::size_t>(depth - 1)).insert(value.get<std::string>()).second)
      fail(ErrorCode::Format, path, " has ", value.dump(), " twice in its header.");
    return true;
  };
  try {
    return nlohmann::json::parse(text, check);
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::Format, path, " has a header that is not valid JSON: ", error.what(), ".");
  }
}

// Reads one tensor's entry; every error names the file and the tensor.
class EntryReader {
 public:
  EntryReader(const fs::path& path, const std::string& name, const nlohmann::json& entry,
              std::uint64_t data_size)
      : path_(path), name_(name), entry_(entry), data_size_(data_size) {}

  SafetensorsFile::Entry read() const {
    if (!entry_.is_object()) refuse("an entry that is not a JSON object");
    const auto dtype = read_type();
    auto shape = read_shape();
    const auto range = whole_numbers("data_offsets");
    if (range.size() != 2) refuse("\"data_offsets\" with ", range.size(), " numbers instead of two");
    if (range[0] > range[1] || range[1] > data_size_)
      refuse("the bytes ", range[0], " to ", range[1], ", but the file has ", data_size_, " bytes of data");
    const std::uint64_t bytes = byte_count(shape, dtype);
    if (range[1] - range[0] != bytes)
      refuse(range[1] - range[0], " bytes of data, but its type and shape ", c10::IntArrayRef(shape),
             " need ", bytes);
    return {dtype, std::move(shape), range[0], range[1]};
  }

 private:
  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... what) const {
    fail(ErrorCode::Format, path_, " cannot be used: tensor '", name_, "' has ", what..., ".");
  }

  c10::ScalarType read_type() const {
    const auto found = entry_.find("dtype");
    if (found == entry_.end() || !found->is_string()) refuse("no \"dtype\"");
    const auto& text = found->get_ref<const std::string&>();
    const auto* type =
        std::find_if(types.begin(), types.end(), [&](const TypeName& each) { return text == each.name; });
    if (type == types.end()) refuse("the unknown type '", text, "'");
    return type->dtype;
  }

  std::vector<std::uint64_t> whole_numbers(const char* key) const {
    const auto found = entry_.find(key);
    if (found == entry_.end() || !found->is_array()) refuse("no list \"", key, "\"");
    std::vector<std::uint64_t> numbers;
    for (const auto& number : *found) {
      if (!number.is_number_unsigned()) refuse("something else than whole numbers from 0 in \"", key, "\"");
      numbers.push_back(number.get<std::uint64_t>());
    }
    return numbers;
  }

  std::vector<std::int64_t> read_shape() const {
    const auto numbers = whole_numbers("shape");
    if (numbers.size() > most_dimensions)
      refuse(numbers.size(), " dimensions; at most ", most_dimensions, " are read");
    std::vector<std::int64_t> shape;
    for (const std::uint64_t number : numbers) {
      if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        refuse("a dimension of ", number);
      shape.push_back(static_cast<std::int64_t>(number));
    }
    return shape;
  }

  std::uint64_t byte_count(const std::vector<std::int64_t>& shape, c10::ScalarType dtype) const {
    // An empty dimension counts as 1 for the overflow: strides are products of the others.
    auto largest = static_cast<std::int64_t>(c10::elementSize(dtype));
    bool empty = false;
    for (const std::int64_t size : shape) {
      empty = empty || size == 0;
      if (__builtin_mul_overflow(largest, std::max<std::int64_t>(size, 1), &largest))
        refuse("the shape ", c10::IntArrayRef(shape), ", which is larger than any memory");
    }
    return empty ? 0 : static_cast<std::uint64_t>(largest);
  }

  const fs::path& path_;
  const std::string& name_;
  const nlohmann::json& entry_;
  const std::uint64_t data_size_;
};

void check_cover(const fs::path& path, const std::map<std::string, SafetensorsFile::Entry>& entries,
                 std::uint64_t data_size) {
  std::vector<std::tuple<std::uint64_t, std::uint64_t, std::string_view>> ranges;
  ranges.reserve(entries.size());
  for (const auto& [name, entry] : entries) ranges.emplace_back(entry.begin, entry.end, name);
  std::sort(ranges.begin(), ranges.end());
  std::uint64_t reached = 0;
  for (const auto& [begin, end, name] : ranges) {
    if (begin != reached)
      fail(ErrorCode::Format, path, " cannot be used: tensor '", name, "' starts at byte ", begin,
           " of the data, ",
           begin < reached ? "inside the one before, which ends at " : "but the one before ends at ", reached,
           ".");
    reached = end;
  }
  if (reached != data_size)
    fail(ErrorCode::Format, path, " cannot be used: it has ", data_size,
         " bytes of data, but its tensors end at byte ", reached, ".");
}

std::map<std::string, std::string> read_metadata(const fs::path& path, const nlohmann::json& object) {
  std::map<std::string, std::string> metadata;
  if (!object.is_object())
    fail(ErrorCode::Format, path, " has a \"__metadata__\" that is not a JSON object.");
  for (const auto& [key, value] : object.items()) {
    if (!value.is_string())
      fail(ErrorCode::Format, path, " has \"", key, "\" in \"__metadata__\" that is not text.");
    metadata.emplace(key, value.get<std::string>());
  }
  return metadata;
}

}  // namespace

SafetensorsFile SafetensorsFile::open(const fs::path& path) {
  const Mapping mapping = map_file(path);
  const std::uint64_t length = header_length(path, mapping);
  const std::uint64_t data_size = mapping.size - length_bytes - length;
  SafetensorsFile file;
  file.path_ = path;
  file.data_ = std::shared_ptr<const char>(mapping.bytes, mapping.bytes.get() + length_bytes + length);
  const auto header = parse_header(path, {mapping.bytes.get() + length_bytes, length});
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") {
      file.metadata_ = read_metadata(path, value);
    } else {
      file.entries_.emplace(name, EntryReader(path, name, value, data_size).read());
    }
  }
  check_cover(path, file.entries_, data_size);
  return file;
}

at::Tensor SafetensorsFile::tensor(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) fail(ErrorCode::NotFound, path_, " has no tensor '", name, "'.");
  const Entry& entry = found->second;
  const char* start = start_of(entry);
  if (entry.dtype == at::kBool &&
      std::any_of(start, data_.get() + entry.end, [](char byte) { return byte != 0 && byte != 1; }))
    fail(ErrorCode::Format, path_, " cannot be used: tensor '", name,
         "' has a BOOL that is neither 0 nor 1.");
  if (!is_aligned(name)) {
    at::Tensor copy = at::empty(entry.shape, entry.dtype);
    std::memcpy(copy.data_ptr(), start, entry.end - entry.begin);
    return copy;
  }
  return at::from_blob(
      const_cast<char*>(start), entry.shape, [keep = data_](void*) {}, at::TensorOptions(entry.dtype));
}

bool SafetensorsFile::is_aligned(const std::string& name) const {
  const Entry& entry = entries_.at(name);
  return reinterpret_cast<std::uintptr_t>(start_of(entry)) % c10::elementSize(entry.dtype) == 0;
}

void SafetensorsFile::forget_pages(const std::string& name) const {
  const Entry& entry = entries_.at(name);
  const char* start = start_of(entry);
  start -= reinterpret_cast<std::uintptr_t>(start) % static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto size = static_cast<std::size_t>(data_.get() + entry.end - start);
  // A hint: where it fails, the pages stay until they are needed for something else.
  (void)::madvise(const_cast<char*>(start), size, MADV_DONTNEED);
}

const char* safetensors_type(c10::ScalarType dtype) {
  const auto* type =
      std::find_if(types.begin(), types.end(), [&](const TypeName& each) { return dtype == each.dtype; });
  return type == types.end() ? nullptr : type->name;
}

void write_safetensors(const fs::path& path, const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                       const std::map<std::string, std::string>& metadata,
                       const std::function<void(double)>& between) {
  auto ordered = tensors;
  std::stable_sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) {
    return a.second.element_size() > b.second.element_size();
  });
  nlohmann::json header = nlohmann::json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const auto& [name, tensor] : ordered) {
    const char* type = safetensors_type(tensor.scalar_type());
    if (type == nullptr)
      fail(ErrorCode::Unsupported, "Tensor '", name, "' has the type ", tensor.scalar_type(), ", which ",
           path, " cannot hold.");
    if (header.contains(name))
      fail(ErrorCode::InvalidArgument, "Tensor '", name, "' is to be written to ", path, " twice.");
    const std::uint64_t end = offset + static_cast<std::uint64_t>(tensor.nbytes());
    header[name] = {{"dtype", type}, {"shape", tensor.sizes().vec()}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  write_file(path, [&](std::ostream& out) {
    for (std::uint64_t i = 0; i < length_bytes; ++i)
      out.put(static_cast<char>(text.size() >> (8 * i) & 0xff));
    out << text;
    std::size_t written = 0;
    for (const auto& [name, tensor] : ordered) {
      between(static_cast<double>(written) / static_cast<double>(std::max<std::uint64_t>(offset, 1)));
      written += tensor.nbytes();
      const at::Tensor bytes = tensor.detach().to(at::kCPU).contiguous();
      out.write(static_cast<const char*>(bytes.data_ptr()), static_cast<std::streamsize>(bytes.nbytes()));
    }
  });
}

}  // namespace medplib::core
