// What is behind the C handles.
#pragma once

#include <medplib/core/image.h>
#include <medplib/core/mask.h>
#include <medplib/core/model.h>
#include <medplib/core/region.h>
#include <medplib/core/session.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct medplib_bytes {
  std::string bytes;
};

struct medplib_model {
  medplib::core::Model model;
};

struct medplib_image {
  medplib::core::Image image;
};

struct medplib_session {
  medplib::core::Session session;
  medplib::core::Compat compat;
  std::string device;
};

struct medplib_region {
  medplib::core::Region region;
};

struct medplib_mask {
  medplib::core::Mask mask;
};

struct medplib_polygons {
  std::vector<std::vector<std::int32_t>> polygons;  // x and y of each corner
};

struct medplib_answer {
  explicit medplib_answer(medplib::core::Answer given) : answer(std::move(given)) {
    for (medplib::core::Mask& mask : answer.masks) masks.push_back({std::move(mask)});
    answer.masks.clear();
  }

  medplib::core::Answer answer;  // but for its masks
  std::vector<medplib_mask> masks;
};

struct medplib_answers {
  struct Outcome {
    std::unique_ptr<const medplib_answer> answer;  // or why there is none:
    std::int32_t code = 0;
    std::string error = {};
  };
  std::vector<Outcome> outcomes;
};
