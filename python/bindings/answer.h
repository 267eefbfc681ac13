// An answer together with what it is about.
#pragma once

#include <medplib/core/session.h>

#include <string>
#include <vector>

namespace medplib::python {

struct Answer {
  core::Answer answer;
  core::Image image;                  // the first of the session
  std::vector<core::Region> regions;  // pointed at in the question

  // The image with the masks and regions drawn in, as a PNG file.
  std::string overlay() const;
};

}  // namespace medplib::python
