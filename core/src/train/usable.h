// Which records a training can use, told before it begins.
#pragma once

#include "data/records.h"
#include "model/folder.h"

namespace medplib::core {

// Errors: NotFound: an image, region or mask isn't there; its record is named, and how many more.
void need_files(const std::vector<ImageRecords>& images);

// Drops the records from which nothing can be learnt (kUnlearnable), and images without records. Gives the
// number of records dropped.
std::int64_t drop_unlearnable(std::vector<ImageRecords>& images, const FolderFacts& model);

}  // namespace medplib::core
