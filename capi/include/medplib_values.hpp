// A part of medplib.hpp: the library, and the values that sessions take and give.
#ifndef MEDPLIB_VALUES_HPP
#define MEDPLIB_VALUES_HPP

#include "medplib.h"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace medplib {

// The name of a code, such as "NOT_FOUND".
inline std::string error_name(std::int32_t code) { return medplib_error_name(code); }

// What every failing call throws.
class Error : public std::runtime_error {
 public:
  Error(std::int32_t code, const std::string& text) : std::runtime_error(text), code_(code) {}
  std::int32_t code() const noexcept { return code_; }  // MEDPLIB_E_…
  std::string name() const { return error_name(code_); }

 private:
  std::int32_t code_;
};

namespace detail {

inline void check(std::int32_t status) {
  if (status < 0) throw Error(status, medplib_last_error());
}

inline std::int32_t count(std::int32_t number) { return check(number), number; }

inline std::string text(const char* found) {
  if (found == nullptr) throw Error(MEDPLIB_E_INVALID_ARG, medplib_last_error());
  return found;
}

// The handle that `make` makes.
template <class T, class Make>
std::shared_ptr<T> made(void (*free)(T*), const Make& make) {
  T* handle = nullptr;
  check(make(&handle));
  return std::shared_ptr<T>(handle, free);
}

template <class Make>
std::string bytes(const Make& make) {
  const auto handle = made<medplib_bytes>(medplib_bytes_free, make);
  return std::string(medplib_bytes_data(handle.get()), medplib_bytes_size(handle.get()));
}

template <class T, class Read>
std::vector<T> numbers(const Read& read) {
  std::size_t needed = 0;
  check(read(static_cast<T*>(nullptr), std::size_t{0}, &needed));
  std::vector<T> values(needed);
  check(read(values.data(), needed, &needed));
  return values;
}

template <class Read>
std::optional<double> probability(const Read& read) {
  double value = 0;
  check(read(&value));
  return value == MEDPLIB_NO_PROBABILITY ? std::nullopt : std::optional<double>(value);
}

template <class Options>
Options defaults(std::int32_t (*init)(Options*, std::size_t)) {
  Options options;
  check(init(&options, sizeof options));
  return options;
}

// The function with its first argument given.
template <class Handle, class Function>
auto bound(const Handle* handle, Function function) {
  return [handle, function](auto... arguments) { return function(handle, arguments...); };
}

// The handles of some values.
template <class Handle, class Value>
std::vector<const Handle*> handles(const std::vector<Value>& values) {
  std::vector<const Handle*> all;
  for (const Value& value : values) all.push_back(value.get());
  return all;
}

// A function of the caller, and what it threw.
template <class Function>
struct Callback {
  Function function;
  std::exception_ptr thrown = nullptr;

  template <class... Arguments>
  std::int32_t operator()(const Arguments&... arguments) noexcept {
    try {
      return static_cast<std::int32_t>(function(arguments...));
    } catch (...) {
      thrown = std::current_exception();
      return MEDPLIB_CANCEL;
    }
  }
  void rethrow() {
    if (thrown) std::rethrow_exception(std::exchange(thrown, nullptr));
  }
};

}  // namespace detail

inline std::string version() { return medplib_version(); }
inline std::int32_t abi_version() { return medplib_abi_version(); }
inline std::string build_info_json() { return medplib_build_info_json(); }

inline void set_threads(std::int32_t threads) { detail::check(medplib_set_threads(threads)); }
inline std::int32_t threads() { return detail::count(medplib_threads()); }

enum class LogLevel : std::int32_t {
  Debug = MEDPLIB_LOG_DEBUG,
  Info = MEDPLIB_LOG_INFO,
  Warning = MEDPLIB_LOG_WARNING,
  Error = MEDPLIB_LOG_ERROR,
  Silent = MEDPLIB_LOG_SILENT
};

// This callback alone must not throw, and what it uses must live as long as the program: another thread may
// still be in it when the next is set. Without one messages go to stderr.
inline void set_log(LogLevel least, medplib_log_callback callback = nullptr, void* user = nullptr) {
  detail::check(medplib_set_log(static_cast<std::int32_t>(least), callback, user));
}

enum class Action : std::int32_t {
  Continue = MEDPLIB_CONTINUE,
  Stop = MEDPLIB_STOP,
  Cancel = MEDPLIB_CANCEL
};
enum class Precision : std::int32_t {
  Float32 = MEDPLIB_PRECISION_FLOAT32,
  BFloat16 = MEDPLIB_PRECISION_BFLOAT16
};

struct LoadOptions {
  std::string device = "auto";
  Precision precision = Precision::Float32;
  std::function<Action(double part)> on_progress = {};
};

inline std::string embedded_model() {
  const auto folder = detail::numbers<char>(medplib_embedded_model);
  return folder.data();
}

// What the folder holds, read without loading it: a JSON object.
inline std::string inspect(const std::string& folder, Precision precision = Precision::Float32) {
  return detail::bytes(
      [&](auto json) { return medplib_inspect(folder.c_str(), static_cast<std::int32_t>(precision), json); });
}

// What is wrong with the folder, a sentence each.
inline std::vector<std::string> verify(const std::string& folder) {
  std::int32_t count = 0;
  std::istringstream lines(
      detail::bytes([&](auto problems) { return medplib_verify(folder.c_str(), &count, problems); }));
  std::vector<std::string> problems(static_cast<std::size_t>(count));
  for (std::string& problem : problems) std::getline(lines, problem);
  return problems;
}

class Model {
 public:
  static Model load(const std::string& folder = embedded_model(), const LoadOptions& options = {}) {
    detail::Callback<std::function<Action(double)>> progress{options.on_progress};
    auto given = detail::defaults(medplib_load_options_init);
    given.device = options.device.c_str();
    given.precision = static_cast<std::int32_t>(options.precision);
    given.user = &progress;
    if (options.on_progress)
      given.on_progress = [](void* user, double part) {
        return (*static_cast<decltype(progress)*>(user))(part);
      };
    medplib_model* loaded = nullptr;
    const std::int32_t status = medplib_model_load(folder.c_str(), &given, &loaded);
    progress.rethrow();
    detail::check(status);
    return Model(std::shared_ptr<medplib_model>(loaded, medplib_model_free));
  }

  std::string info_json() const { return detail::bytes(detail::bound(get(), medplib_model_info_json)); }
  const medplib_model* get() const { return handle_.get(); }

 private:
  explicit Model(std::shared_ptr<medplib_model> handle) : handle_(std::move(handle)) {}
  std::shared_ptr<medplib_model> handle_;
};

enum class SixteenBit : std::int32_t {
  Window = MEDPLIB_SIXTEEN_BIT_WINDOW,
  HighByte = MEDPLIB_SIXTEEN_BIT_HIGH_BYTE
};

struct ImageOptions {
  std::uint64_t max_bytes = std::uint64_t{512} << 20;
  std::uint64_t max_pixels = 178956970;
  SixteenBit sixteen_bit = SixteenBit::Window;
};

class Image {
 public:
  static Image read(const std::string& path, const ImageOptions& options = {}) {
    const medplib_image_options given = c_options(options);
    return made([&](auto image) { return medplib_image_read(path.c_str(), &given, image); });
  }
  static Image decode(std::string_view bytes, const std::string& name, const ImageOptions& options = {}) {
    const medplib_image_options given = c_options(options);
    return made([&](auto image) {
      return medplib_image_decode(bytes.data(), bytes.size(), name.c_str(), &given, image);
    });
  }
  // Rows without gaps.
  static Image from_pixels(const std::uint8_t* pixels, std::int32_t width, std::int32_t height,
                           std::int32_t channels) {
    return packed(pixels, width, height, channels, MEDPLIB_PIXEL_U8, 0, 255);
  }
  static Image from_pixels(const std::uint16_t* pixels, std::int32_t width, std::int32_t height,
                           std::int32_t channels, double low, double high) {
    return packed(pixels, width, height, channels, MEDPLIB_PIXEL_U16, low, high);
  }

  std::int32_t width() const { return size().first; }
  std::int32_t height() const { return size().second; }
  std::string info_json() const { return detail::bytes(detail::bound(get(), medplib_image_info_json)); }
  const medplib_image* get() const { return handle_.get(); }

 private:
  explicit Image(std::shared_ptr<medplib_image> handle) : handle_(std::move(handle)) {}
  static medplib_image_options c_options(const ImageOptions& options) {
    auto given = detail::defaults(medplib_image_options_init);
    given.max_bytes = options.max_bytes;
    given.max_pixels = options.max_pixels;
    given.sixteen_bit = static_cast<std::int32_t>(options.sixteen_bit);
    return given;
  }
  template <class Make>
  static Image made(const Make& make) {
    return Image(detail::made<medplib_image>(medplib_image_free, make));
  }
  template <class T>
  static Image packed(const T* pixels, std::int32_t width, std::int32_t height, std::int32_t channels,
                      std::int32_t type, double low, double high) {
    const bool sizes = width > 0 && height > 0 && channels > 0;  // the function below refuses others
    const std::size_t stride = sizes ? sizeof(T) * static_cast<std::size_t>(width) * channels : 0;
    return made([&](auto image) {
      return medplib_image_from_pixels(pixels, stride * static_cast<std::size_t>(sizes ? height : 0), width,
                                       height, stride, channels, type, low, high, image);
    });
  }
  std::pair<std::int32_t, std::int32_t> size() const {
    std::int32_t width = 0, height = 0;
    detail::check(medplib_image_size(get(), &width, &height));
    return {width, height};
  }
  std::shared_ptr<medplib_image> handle_;
};

struct Point {
  double x, y;
};

class Region {
 public:
  static Region parse(const std::string& text) {
    return made([&](auto region) { return medplib_region_parse(text.c_str(), region); });
  }
  static Region point(double x, double y) {
    return made([&](auto region) { return medplib_region_point(x, y, region); });
  }
  static Region box(double x0, double y0, double x1, double y1) {
    return made([&](auto region) { return medplib_region_box(x0, y0, x1, y1, region); });
  }
  static Region polygon(const std::vector<Point>& corners) {
    return made([&](auto region) { return medplib_region_polygon(xy(corners), corners.size(), region); });
  }
  static Region scribble(const std::vector<Point>& points, double thickness = MEDPLIB_SCRIBBLE_THICKNESS) {
    return made(
        [&](auto region) { return medplib_region_scribble(xy(points), points.size(), thickness, region); });
  }
  // Rows without gaps, ≥ 1 inside.
  static Region mask(const std::vector<std::uint8_t>& pixels, std::int32_t width, std::int32_t height) {
    return made([&](auto region) {
      return medplib_region_mask(pixels.data(), pixels.size(), width, height, static_cast<std::size_t>(width),
                                 region);
    });
  }
  const medplib_region* get() const { return handle_.get(); }

 private:
  explicit Region(std::shared_ptr<medplib_region> handle) : handle_(std::move(handle)) {}
  template <class Make>
  static Region made(const Make& make) {
    return Region(detail::made<medplib_region>(medplib_region_free, make));
  }
  static const double* xy(const std::vector<Point>& points) {
    static_assert(sizeof(Point) == 2 * sizeof(double), "points lie as x, y, x, y …");
    return points.empty() ? nullptr : &points.front().x;
  }
  std::shared_ptr<medplib_region> handle_;
};

class Mask {
 public:
  static Mask from_region(const Region& region, std::int32_t width, std::int32_t height) {
    return Mask(detail::made<medplib_mask>(medplib_mask_free, [&](auto mask) {
      return medplib_mask_from_region(region.get(), width, height, mask);
    }));
  }
  explicit Mask(std::shared_ptr<const medplib_mask> handle) : handle_(std::move(handle)) {}

  std::int32_t width() const { return size().first; }
  std::int32_t height() const { return size().second; }
  std::string label() const { return detail::text(medplib_mask_label(get())); }
  double threshold() const {
    double threshold = 0;
    detail::check(medplib_mask_threshold(get(), &threshold));
    return threshold;
  }
  std::optional<double> presence() const {
    return detail::probability(detail::bound(get(), medplib_mask_presence));
  }
  std::optional<double> iou_estimate() const {
    return detail::probability(detail::bound(get(), medplib_mask_iou_estimate));
  }
  std::int64_t area() const {
    std::int64_t area = 0;
    detail::check(medplib_mask_area(get(), &area));
    return area;
  }
  // Rows without gaps: 1 inside, 0 outside; logits before the sigmoid.
  std::vector<std::uint8_t> pixels() const { return rows<std::uint8_t>(medplib_mask_pixels); }
  std::vector<float> logits() const { return rows<float>(medplib_mask_logits); }
  std::vector<float> embedding() const {
    return detail::numbers<float>(detail::bound(get(), medplib_mask_embedding));
  }
  std::string rle() const { return detail::bytes(detail::bound(get(), medplib_mask_rle)); }
  std::string png() const { return detail::bytes(detail::bound(get(), medplib_mask_png)); }
  // x and y of each corner, a list a contour.
  std::vector<std::vector<std::int32_t>> polygons() const {
    const auto all =
        detail::made<medplib_polygons>(medplib_polygons_free, detail::bound(get(), medplib_mask_polygons));
    std::vector<std::vector<std::int32_t>> lists(medplib_polygons_count(all.get()));
    for (std::size_t i = 0; i < lists.size(); ++i) {
      const std::int32_t* xy = nullptr;
      std::size_t count = 0;
      detail::check(medplib_polygons_get(all.get(), i, &xy, &count));
      lists[i].assign(xy, xy + 2 * count);
    }
    return lists;
  }
  const medplib_mask* get() const { return handle_.get(); }

 private:
  template <class T, class Function>
  std::vector<T> rows(Function function) const {
    return detail::numbers<T>([&](T* buffer, std::size_t capacity, std::size_t* needed) {
      return function(get(), buffer, capacity, static_cast<std::size_t>(width()), needed);
    });
  }
  std::pair<std::int32_t, std::int32_t> size() const {
    std::int32_t width = 0, height = 0;
    detail::check(medplib_mask_size(get(), &width, &height));
    return {width, height};
  }
  std::shared_ptr<const medplib_mask> handle_;
};

// Masks and regions drawn on the image: a PNG file.
inline std::string overlay_png(const Image& image, const std::vector<Mask>& masks,
                               const std::vector<Region>& regions = {}) {
  const auto drawn = detail::handles<medplib_mask>(masks);
  const auto outlined = detail::handles<medplib_region>(regions);
  return detail::bytes([&](auto png) {
    return medplib_overlay_png(image.get(), drawn.data(), drawn.size(), outlined.data(), outlined.size(),
                               png);
  });
}

enum class Finish : std::int32_t {
  EndOfText = MEDPLIB_FINISH_END_OF_TEXT,
  Length = MEDPLIB_FINISH_LENGTH,
  Stopped = MEDPLIB_FINISH_STOPPED
};

class Answer {
 public:
  explicit Answer(std::shared_ptr<const medplib_answer> handle) : handle_(std::move(handle)) {}

  std::string text() const { return detail::text(medplib_answer_text(get())); }
  std::string prompt() const { return detail::text(medplib_answer_prompt(get())); }
  std::vector<std::int64_t> tokens() const {
    return detail::numbers<std::int64_t>(detail::bound(get(), medplib_answer_tokens));
  }
  std::vector<std::string> warnings() const {
    std::vector<std::string> all;
    for (std::int32_t i = 0; i < detail::count(medplib_answer_warning_count(get())); ++i)
      all.push_back(detail::text(medplib_answer_warning(get(), i)));
    return all;
  }
  Finish finish() const { return static_cast<Finish>(detail::count(medplib_answer_finish(get()))); }
  std::int32_t near_ties() const { return detail::count(medplib_answer_near_ties(get())); }
  std::optional<double> presence() const {
    return detail::probability(detail::bound(get(), medplib_answer_presence));
  }
  medplib_timing timing() const {
    medplib_timing timing;
    detail::check(medplib_answer_timing(get(), &timing, sizeof timing));
    return timing;
  }
  // [layer with experts][expert]: tokens of prompt and answer that took it.
  std::vector<std::vector<std::int64_t>> routing() const {
    std::vector<std::vector<std::int64_t>> layers;
    for (std::int32_t i = 0; i < detail::count(medplib_answer_routing_layers(get())); ++i)
      layers.push_back(
          detail::numbers<std::int64_t>([&](auto... to) { return medplib_answer_routing(get(), i, to...); }));
    return layers;
  }
  // They keep the answer alive.
  std::vector<Mask> masks() const {
    std::vector<Mask> all;
    for (std::int32_t i = 0; i < detail::count(medplib_answer_mask_count(get())); ++i) {
      const medplib_mask* mask = nullptr;
      detail::check(medplib_answer_mask(get(), i, &mask));
      all.emplace_back(std::shared_ptr<const medplib_mask>(handle_, mask));
    }
    return all;
  }
  const medplib_answer* get() const { return handle_.get(); }

 private:
  std::shared_ptr<const medplib_answer> handle_;
};

}  // namespace medplib

#endif
