// What is behind the C handles.
#pragma once

#include <medplib/core/mask.h>
#include <medplib/core/model.h>
#include <medplib/core/region.h>
#include <medplib/core/session.h>

#include <string>
#include <vector>

struct medplib_model {
  medplib::core::Model model;
};

struct medplib_session {
  medplib::core::Session session;
};

struct medplib_region {
  medplib::core::Region region;
};

struct medplib_mask {
  medplib::core::Mask mask;
};

struct medplib_answer {
  std::string text;
  std::vector<medplib_mask> masks;
};
