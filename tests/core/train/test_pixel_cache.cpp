#include "base/files.h"
#include "support/temporary_folder.h"
#include "train/pixel_cache.h"

#include <medplib/core/error.h>
#include <medplib/core/mask.h>

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

namespace medplib::core {
namespace {

TEST(PixelCache, a_picture_is_read_once_while_there_is_room_for_it) {
  const test::TemporaryFolder folder;
  for (const char* name : {"a.png", "b.png"})
    write_file(folder.path() / name, encode_png(cv::Mat(10, 10, CV_8UC1, cv::Scalar(7))));
  PixelCache roomy(1000), narrow(400);  // a picture has 300 bytes
  for (PixelCache* cache : {&roomy, &narrow})
    for (const char* name : {"a.png", "b.png"}) cache->rgb(folder.path() / name);

  std::filesystem::remove(folder.path() / "a.png");
  EXPECT_EQ(roomy.rgb(folder.path() / "a.png").at<cv::Vec3b>(3, 3), cv::Vec3b(7, 7, 7));
  EXPECT_THROW(narrow.rgb(folder.path() / "a.png"), Error) << "it made room for b.png";
  EXPECT_NO_THROW(narrow.rgb(folder.path() / "b.png"));
}

}  // namespace
}  // namespace medplib::core
