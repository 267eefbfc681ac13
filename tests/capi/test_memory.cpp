// Memory that runs out at many places of one call, and exceptions out of callbacks.
#include "medplib.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <functional>
#include <malloc.h>
#include <new>
#include <source_folder.h>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

namespace {

// Allocations of one kind. Those from the number `failing` on fail, or only the first of them that may; 0:
// none does.
struct Kind {
  std::atomic<std::int64_t> failing{0}, count{0};
  std::atomic<bool> once{false};

  bool is_due() {
    const std::int64_t at = failing;
    return ++count >= at && at > 0;
  }
  void fail_at(std::int64_t at) {
    count = 0;
    failing = at;
  }
  void failed() {
    if (once) failing = 0;
  }
};
Kind objects, tensors;

bool is_of(const void* caller, const char* library) {
  Dl_info info{};
  return dladdr(caller, &info) != 0 && std::strstr(info.dli_fname, library) != nullptr;
}

// An exception that leaves a loop of oneDNN's on several threads ends the process; LibTorch's own loops catch
// theirs, but are not to be told from these.
bool in_parallel_loop() {
  static const auto asked = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "omp_in_parallel"));
  return asked != nullptr && asked() != 0;
}

void* aligned(std::size_t size, std::size_t alignment) {
  return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

void* allocate(std::size_t size, std::size_t alignment, const void* caller) {
  // Debian's sentencepiece ends the process when an allocation of its own fails.
  if (objects.is_due() && !is_of(caller, "sentencepiece") && !in_parallel_loop()) {
    objects.failed();
    throw std::bad_alloc();
  }
  void* memory =
      alignment <= alignof(std::max_align_t) ? std::malloc(size == 0 ? 1 : size) : aligned(size, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

// Inlined, a delete whose new is not would look mismatched to the compiler.
[[gnu::noinline]] void release(void* memory) { std::free(memory); }

}  // namespace

void* operator new(std::size_t size) { return allocate(size, 1, __builtin_return_address(0)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment), __builtin_return_address(0));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return allocate(size, 1, __builtin_return_address(0));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* memory, const std::nothrow_t&) noexcept { release(memory); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }

// Where LibTorch's tensors on the CPU get their memory.
extern "C" __attribute__((visibility("default"))) int posix_memalign(void** memory, std::size_t alignment,
                                                                     std::size_t size) noexcept {
  if (tensors.is_due() && is_of(__builtin_return_address(0), "libc10")) {
    tensors.failed();
    return ENOMEM;
  }
  *memory = aligned(size, alignment);
  return *memory == nullptr ? ENOMEM : 0;
}

namespace {

const std::string kGoldens = std::string(MEDPLIB_SOURCE_FOLDER) + "/tests/goldens/";
constexpr const char* kQuestion = "Please segment the tumour in this MRI image.";

class Memory : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    // No tensor enters the heap, so that none leaves room there: glibc would raise this threshold as it goes.
    mallopt(M_MMAP_THRESHOLD, 64 << 10);  // AddressSanitizer has none
    ASSERT_EQ(medplib_model_load((kGoldens + "ckpt/tiny_seg").c_str(), nullptr, &model_), MEDPLIB_OK);
    ASSERT_EQ(medplib_image_read((kGoldens + "cases/s01_emits_seg_wide.image.png").c_str(), nullptr, &image_),
              MEDPLIB_OK);
  }
  static void TearDownTestSuite() {
    medplib_image_free(image_);
    medplib_model_free(model_);
  }

  static medplib_session* session() {
    medplib_session* fresh = nullptr;
    EXPECT_EQ(medplib_session_create(model_, nullptr, &fresh), MEDPLIB_OK);
    EXPECT_EQ(medplib_session_set_image(fresh, image_), MEDPLIB_OK);
    return fresh;
  }

  // Asks a session of its own, all in one, while the allocation with this number fails.
  static std::int32_t ask(Kind& kind, std::int64_t at, std::string& text) {
    kind.fail_at(at);
    medplib_session* one = nullptr;
    medplib_answer* answer = nullptr;
    std::int32_t status = medplib_session_create(model_, nullptr, &one);
    if (status == MEDPLIB_OK) status = medplib_session_set_image(one, image_);
    if (status == MEDPLIB_OK) status = medplib_ask(one, kQuestion, nullptr, &answer);
    kind.failing = 0;
    if (answer != nullptr) text = medplib_answer_text(answer);
    medplib_answer_free(answer);
    medplib_session_free(one);
    return status;
  }

  static std::string text_of(medplib_session* one) {
    medplib_answer* answer = nullptr;
    EXPECT_EQ(medplib_ask(one, kQuestion, nullptr, &answer), MEDPLIB_OK) << medplib_last_error();
    std::string text = answer == nullptr ? "" : medplib_answer_text(answer);
    medplib_answer_free(answer);
    return text;
  }

  // Asks while memory runs out at so many places that are spread over an ask, and calls `judge` with each
  // status; the model answers as before then.
  static void run_out(Kind& kind, std::int64_t places,
                      const std::function<void(std::int32_t, bool same)>& judge);

  static medplib_model* model_;
  static medplib_image* image_;
};

medplib_model* Memory::model_ = nullptr;
medplib_image* Memory::image_ = nullptr;

void Memory::run_out(Kind& kind, std::int64_t places,
                     const std::function<void(std::int32_t, bool same)>& judge) {
  std::string expected, text;
  ASSERT_EQ(ask(kind, 0, expected), MEDPLIB_OK);  // what is made once is made now
  ASSERT_EQ(ask(kind, 0, expected), MEDPLIB_OK);
  const std::int64_t all = kind.count;
  ASSERT_GT(all, places);
  for (std::int64_t place = 0; place < places; ++place) {
    const std::int64_t at = 1 + place * (all - 1) / places;
    SCOPED_TRACE("allocation " + std::to_string(at) + " of " + std::to_string(all));
    const std::int32_t status = ask(kind, at, text);
    judge(status, text == expected);
  }
  EXPECT_EQ(ask(kind, 0, text), MEDPLIB_OK);
  EXPECT_EQ(text, expected);
}

void expect_out_of_memory(std::int32_t status, bool) {
  EXPECT_EQ(status, MEDPLIB_E_OOM_HOST) << medplib_last_error();
  EXPECT_NE(std::strstr(medplib_last_error(), "memory"), nullptr) << medplib_last_error();
  EXPECT_EQ(medplib_model_load(nullptr, nullptr, nullptr),
            MEDPLIB_E_INVALID_ARG);  // another sentence stands there
}

TEST_F(Memory, no_more_memory_from_any_place_of_an_ask_on_is_a_code_and_leaves_the_model_whole) {
  run_out(objects, 500, expect_out_of_memory);
}

TEST_F(Memory, no_more_memory_for_tensors_from_any_place_of_an_ask_on_is_a_code_and_leaves_the_model_whole) {
  run_out(tensors, 100, expect_out_of_memory);
}

TEST_F(Memory, a_single_allocation_that_fails_is_a_code_or_changes_nothing) {
  std::int64_t failures = 0;
  objects.once = true;
  run_out(objects, 100, [&](std::int32_t status, bool same) {
    failures += status == MEDPLIB_E_OOM_HOST;
    // Convolutions: oneDNN, which finds no memory to prepare its first way to compute one, takes the next.
    // Indexing: LibTorch takes whatever fails while it fits indices together for a mismatch of their shapes.
    const bool misfit =
        status == MEDPLIB_E_INTERNAL && std::strstr(medplib_last_error(), "shape mismatch") != nullptr;
    EXPECT_TRUE(status == MEDPLIB_E_OOM_HOST || (status == MEDPLIB_OK && same) || misfit)
        << status << ": " << medplib_last_error();
  });
  objects.once = false;
  EXPECT_GT(failures, 80);
}

TEST_F(Memory, no_more_memory_for_tensors_while_a_model_is_read_is_no_fault_of_the_model) {
  const std::string folder = kGoldens + "ckpt/tiny_seg";
  const auto load = [&] {
    medplib_model* model = nullptr;
    const std::int32_t status = medplib_model_load(folder.c_str(), nullptr, &model);
    medplib_model_free(model);
    return status;
  };
  const auto verify = [&] {
    std::int32_t count = 0;
    medplib_bytes* problems = nullptr;
    const std::int32_t status = medplib_verify(folder.c_str(), &count, &problems);
    EXPECT_EQ(count, 0) << medplib_bytes_data(problems);
    medplib_bytes_free(problems);
    return status;
  };
  for (const auto& call : {std::function<std::int32_t()>(load), std::function<std::int32_t()>(verify)}) {
    tensors.fail_at(0);
    ASSERT_EQ(call(), MEDPLIB_OK);
    const std::int64_t all = tensors.count;
    ASSERT_GT(all, 3);
    for (std::int64_t place = 0; place < 20; ++place) {
      tensors.fail_at(1 + place * (all - 1) / 20);
      const std::int32_t status = call();
      tensors.failing = 0;
      expect_out_of_memory(status, false);
    }
  }
}

TEST_F(Memory, a_session_without_memory_for_new_images_keeps_those_it_had) {
  medplib_image* other = nullptr;
  ASSERT_EQ(medplib_image_read((kGoldens + "cases/c00_square_noregion.image.png").c_str(), nullptr, &other),
            MEDPLIB_OK);
  const medplib_image* const both[] = {other, image_};
  medplib_session* one = session();
  const std::string expected = text_of(one);
  const auto set_both = [&](std::int64_t at) {
    objects.fail_at(at);
    const std::int32_t status = medplib_session_set_images(one, both, 2);
    objects.failing = 0;
    return status;
  };
  std::int64_t at = 1;
  for (std::int32_t status; (status = set_both(at)) != MEDPLIB_OK; ++at) {
    EXPECT_EQ(status, MEDPLIB_E_OOM_HOST) << medplib_last_error();
    EXPECT_EQ(text_of(one), expected) << "at allocation " << at;
  }
  EXPECT_GT(at, 3);
  size_t needed = 0;
  EXPECT_EQ(medplib_embed_image(one, 1, nullptr, 0, &needed, nullptr), MEDPLIB_OK);  // it has both now
  medplib_session_free(one);
  medplib_image_free(other);
}

// How much address space the process has now.
rlim_t address_space() {
  std::ifstream file("/proc/self/statm");
  rlim_t pages = 0;
  file >> pages;
  return pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
}

// Leaves the process this much address space more than it has now, while it lives.
class Limit {
 public:
  explicit Limit(rlim_t more) {
    EXPECT_EQ(getrlimit(RLIMIT_AS, &before_), 0);
    const rlimit tight{address_space() + more, before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_AS, &tight), 0);
  }
  ~Limit() { EXPECT_EQ(setrlimit(RLIMIT_AS, &before_), 0); }
  Limit(const Limit&) = delete;
  Limit& operator=(const Limit&) = delete;

 private:
  rlimit before_{};
};

class MemoryOfTheSystem : public Memory {
 protected:
  void SetUp() override {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "AddressSanitizer needs more address space than the limit leaves";
#endif
    ASSERT_EQ(ask(objects, 0, expected_), MEDPLIB_OK);
  }
  void expect_the_model_is_whole() {
    std::string text;
    EXPECT_EQ(ask(objects, 0, text), MEDPLIB_OK) << medplib_last_error();
    EXPECT_EQ(text, expected_);
  }

  std::string expected_;
};

TEST_F(MemoryOfTheSystem, an_ask_in_too_little_of_it_is_a_code_and_leaves_the_model_whole) {
  constexpr rlim_t kStep = 128 << 10, kMost = 256 << 20;
  std::int64_t failures = 0;
  std::int32_t status = MEDPLIB_E_OOM_HOST;
  std::string text;
  for (rlim_t more = 0; status != MEDPLIB_OK && more < kMost; more += kStep) {
    {
      const Limit limit(more);
      status = ask(objects, 0, text);
    }
    failures += status == MEDPLIB_E_OOM_HOST;
    EXPECT_TRUE(status == MEDPLIB_OK || status == MEDPLIB_E_OOM_HOST)
        << status << " with " << more << " bytes more: " << medplib_last_error();
    if (more % (8 * kStep) == 0) expect_the_model_is_whole();
  }
  EXPECT_GT(failures, 10);
  EXPECT_EQ(status, MEDPLIB_OK);  // at last there was enough
  EXPECT_EQ(text, expected_);
  expect_the_model_is_whole();
}

TEST_F(MemoryOfTheSystem, caches_that_do_not_fit_into_it_are_a_code_and_leave_the_model_whole) {
  constexpr std::size_t kMost = 1000;
  std::vector<medplib_session*> sessions;
  sessions.reserve(kMost);
  std::int32_t status = MEDPLIB_OK;
  {
    const Limit limit(rlim_t{32} << 20);
    while (status == MEDPLIB_OK && sessions.size() < kMost) {
      sessions.push_back(nullptr);
      status = medplib_session_create(model_, nullptr, &sessions.back());
    }
  }
  EXPECT_EQ(status, MEDPLIB_E_OOM_HOST) << medplib_last_error();
  EXPECT_EQ(sessions.back(), nullptr);
  for (medplib_session* each : sessions) medplib_session_free(each);
  expect_the_model_is_whole();
}

// A callback of C++ should not throw; when it does, the call ends with a code.
using Throwing = std::function<void()>;

std::int32_t on_text(void* throwing, const char*, std::size_t, std::int64_t, std::int32_t) {
  (*static_cast<const Throwing*>(throwing))();
  return MEDPLIB_CONTINUE;
}
std::int32_t on_layer(void* throwing, const char*) { return on_text(throwing, nullptr, 0, 0, 0); }
std::int32_t on_progress(void* throwing, double) { return on_text(throwing, nullptr, 0, 0, 0); }

// What may be thrown, and what the message must hold then.
struct Thrown {
  Throwing what;
  std::string text;
};
const std::vector<Thrown> kThrown = {{[] { throw std::runtime_error("mine"); }, "mine"},
                                     {[] { throw std::bad_alloc(); }, ""},
                                     {[] { throw 42; }, ""},
                                     {[] { throw std::string("a text"); }, ""}};

// The call got this user.
void expect_callback_error(const char* callback, const std::function<std::int32_t(void*)>& call) {
  for (const Thrown& thrown : kThrown) {
    Throwing throwing = thrown.what;
    EXPECT_EQ(call(&throwing), MEDPLIB_E_CALLBACK);
    const std::string error = medplib_last_error();
    EXPECT_TRUE(error.find(callback) != std::string::npos && error.find(thrown.text) != std::string::npos)
        << error;
  }
}

TEST_F(Memory, an_exception_of_any_kind_out_of_on_text_is_a_code) {
  medplib_session* one = session();
  expect_callback_error("on_text", [&](void* user) {
    medplib_ask_options options;
    medplib_ask_options_init(&options, sizeof options);
    options.on_text = &on_text;
    options.user = user;
    medplib_answer* answer = nullptr;
    const std::int32_t status = medplib_ask(one, kQuestion, &options, &answer);
    EXPECT_EQ(answer, nullptr);
    return status;
  });
  EXPECT_FALSE(text_of(one).empty());
  medplib_session_free(one);
}

TEST_F(Memory, an_exception_of_any_kind_out_of_on_layer_is_a_code) {
  Throwing throwing;
  medplib_session_options options;
  medplib_session_options_init(&options, sizeof options);
  options.on_layer = &on_layer;
  options.user = &throwing;
  medplib_session* one = nullptr;
  ASSERT_EQ(medplib_session_create(model_, &options, &one), MEDPLIB_OK);
  ASSERT_EQ(medplib_session_set_image(one, image_), MEDPLIB_OK);
  expect_callback_error("on_layer", [&](void* user) {
    throwing = *static_cast<Throwing*>(user);
    medplib_answer* answer = nullptr;
    const std::int32_t status = medplib_ask(one, kQuestion, nullptr, &answer);
    EXPECT_EQ(answer, nullptr);
    return status;
  });
  throwing = [] {};
  EXPECT_FALSE(text_of(one).empty());
  medplib_session_free(one);
}

TEST_F(Memory, an_exception_of_any_kind_out_of_on_progress_is_a_code) {
  expect_callback_error("on_progress", [](void* user) {
    medplib_load_options options;
    medplib_load_options_init(&options, sizeof options);
    options.on_progress = &on_progress;
    options.user = user;
    medplib_model* loaded = nullptr;
    const std::int32_t status = medplib_model_load((kGoldens + "ckpt/tiny_seg").c_str(), &options, &loaded);
    EXPECT_EQ(loaded, nullptr);
    return status;
  });
}

}  // namespace
