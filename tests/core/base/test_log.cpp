#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace medplib::core {
namespace {

class Log : public ::testing::Test {
 protected:
  void TearDown() override { set_log(LogLevel::Warning); }
};

TEST_F(Log, warnings_and_errors_are_lines_on_stderr_and_nothing_is_on_stdout) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  log(LogLevel::Debug, "no");
  log(LogLevel::Info, "no");
  log(LogLevel::Warning, "region ", 2, "\nvanishes");
  log(LogLevel::Error, "gone");
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "medplib: warning: region 2 vanishes\nmedplib: error: gone\n");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

TEST_F(Log, a_callback_gets_its_levels_and_above) {
  std::vector<std::pair<LogLevel, std::string>> seen;
  set_log(LogLevel::Info, [&](LogLevel level, const std::string& text) { seen.emplace_back(level, text); });
  testing::internal::CaptureStderr();
  log(LogLevel::Debug, "a");
  log(LogLevel::Info, "b");
  log(LogLevel::Error, "c");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_THAT(seen, testing::ElementsAre(std::pair(LogLevel::Info, std::string("b")),
                                         std::pair(LogLevel::Error, std::string("c"))));
}

TEST_F(Log, silent_lets_nothing_through) {
  int calls = 0;
  set_log(LogLevel::Silent, [&](LogLevel, const std::string&) { ++calls; });
  log(LogLevel::Error, "x");
  log(LogLevel::Silent, "x");
  EXPECT_EQ(calls, 0);
}

TEST_F(Log, a_callback_that_throws_does_not_stop_the_engine) {
  set_log(LogLevel::Debug, [](LogLevel, const std::string&) { throw std::runtime_error("mine"); });
  EXPECT_NO_THROW(log(LogLevel::Error, "x"));
}

TEST_F(Log, every_message_reaches_one_of_the_callbacks_while_they_are_exchanged) {
  std::atomic<int> calls = 0;
  const auto count = [&](LogLevel, const std::string&) { ++calls; };
  set_log(LogLevel::Info, count);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([] {
      for (int i = 0; i < 500; ++i) log(LogLevel::Info, i);
    });
  for (int i = 0; i < 500; ++i) set_log(LogLevel::Info, count);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(calls, 2000);
}

}  // namespace
}  // namespace medplib::core
