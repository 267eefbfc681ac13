// What the name of a picture of SA-Med2D-20M tells, {modality}_{nn}--{dataset}--{case}--{axis}_{index}.png,
// and how modalities are spelt.
#pragma once

#include <filesystem>
#include <string>

namespace medplib::core {

struct PictureName {
  std::string modality;  // as records say it: "CT", "X-ray", "ultrasound"
  std::string set;       // the dataset
};

// Both are empty where a name is of another form.
PictureName parse_picture_name(const std::filesystem::path& image);

// The one of kPublishedModalities that a record's word means, such as "MR" for "MRI", or the word itself.
std::string published_modality(const std::string& word);

}  // namespace medplib::core
