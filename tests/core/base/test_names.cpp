#include "support/thrown.h"

#include <medplib/core/log.h>
#include <medplib/core/session.h>

#include <gtest/gtest.h>

namespace medplib::core {
namespace {

TEST(Names, every_enumerator_comes_back_from_its_text) {
  const auto all = []<class Enum>(Enum) {
    for (const auto& [value, name] : Names<Enum>::all) {
      EXPECT_EQ(from_text<Enum>(name), value);
      EXPECT_STREQ(to_text(value), name);
    }
  };
  all(ErrorCode::Io), all(LogLevel::Info), all(SixteenBit::Window), all(Precision::Float32),
      all(Compat::None);
  all(Finish::Length);
  EXPECT_STREQ(to_text(static_cast<ErrorCode>(-99)), "UNKNOWN");
}

TEST(Names, a_text_that_is_none_is_refused_with_all_there_are) {
  const test::Thrown thrown = test::thrown_by([] { from_text<Precision>("float16"); });
  EXPECT_EQ(thrown.code, ErrorCode::InvalidArgument);
  EXPECT_EQ(thrown.sentence, "The precision \"float16\" is none of \"float32\", \"bfloat16\".");
}

}  // namespace
}  // namespace medplib::core
