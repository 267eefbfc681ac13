#include "train/batch.h"

#include "base/json.h"
#include "model/subject.h"
#include "train/usable.h"
#include "vision/pixels.h"
#include "vision/region_cells.h"

#include <medplib/core/error.h>
#include <medplib/core/train.h>

#include <ATen/ATen.h>
#include <opencv2/core.hpp>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace medplib::core {
namespace {

void shuffle(RecordsOfImage& records, Random& random) {
  for (std::size_t i = records.size(); i > 1; --i) std::swap(records[i - 1], records[random() % i]);
}

// `count` of the records, in random order; one of each task before a second of any, so that what is asked
// often doesn't crowd out the rest.
RecordsOfImage draw(RecordsOfImage records, std::int64_t count, Random& random) {
  shuffle(records, random);
  std::map<std::string, std::int64_t> seen;
  std::vector<std::pair<std::int64_t, const Record*>> ranked;
  for (const Record* record : records) ranked.emplace_back(seen[record->task]++, record);
  std::ranges::stable_sort(ranked, {}, &std::pair<std::int64_t, const Record*>::first);
  RecordsOfImage drawn;
  for (const auto& [rank, record] : ranked)
    if (drawn.size() < static_cast<std::size_t>(count)) drawn.push_back(record);
  return drawn;
}

// Whether anything of an image would be drawn: masks alone when they alone are taught.
bool teaches(const ImageRecords& image, const Recipe& recipe) {
  return std::ranges::any_of(image.records, [&](const Record& record) {
    return record.masks.empty() ? recipe.objective != Objective::Grounding : recipe.masks_per_image > 0;
  });
}

std::vector<double> cumulative_weights(const std::vector<ImageRecords>& images, const Recipe& recipe) {
  std::map<std::string, double> count;
  for (const auto& image : images) count[image.set] += teaches(image, recipe) ? 1 : 0;
  std::vector<double> sums;
  double sum = 0;
  for (const auto& image : images) {
    const auto extra = recipe.set_weight.find(image.set);
    if (teaches(image, recipe))
      sum += std::pow(count[image.set], recipe.set_exponent - 1) *
             (extra == recipe.set_weight.end() ? 1.0 : extra->second);
    sums.push_back(sum);
  }
  return sums;
}

}  // namespace

// What an image is shown with.
struct Collator::Shown {
  View view;
  std::vector<LabelledPrompt> conversations;
  std::vector<std::string> ids;  // of their records
  RecordsOfImage shows;          // of each mask of the view: the record that it answers; none for a region
};

void Collator::read_masks(Shown& shown, const std::filesystem::path& image,
                          const std::vector<std::filesystem::path>& paths, const Record* record) {
  for (const auto& path : paths) {
    const cv::Mat& mask = shown.view.masks.emplace_back(pixels_.mask(path));
    shown.shows.push_back(record);
    if (record == nullptr && cv::countNonZero(mask) == 0)
      fail(ErrorCode::Format, path, ", which record ", shown.ids.back(),
           " names, is an empty region: no pixel of it is set.");
    if (mask.size() != shown.view.rgb.size())
      fail(ErrorCode::Format, path, ", which record ", shown.ids.back(),
           " names, has another size than its image ", image, ".");
  }
}

Collator::Shown Collator::read(const std::filesystem::path& image, const RecordsOfImage& records) {
  Shown shown{.view = {.rgb = pixels_.rgb(image), .masks = {}}, .conversations = {}, .ids = {}, .shows = {}};
  for (const Record* record : records) {
    LabelledPrompt conversation = label_conversation(model_.tokenizer, model_.conversation, record->turns);
    if (conversation.mismatch) continue;
    shown.conversations.push_back(std::move(conversation));
    shown.ids.push_back(record->id);
    read_masks(shown, image, record->regions, nullptr);
    read_masks(shown, image, record->masks, record);
  }
  return shown;
}

void Collator::add(Batch& batch, const std::filesystem::path& image, const RecordsOfImage& records,
                   std::int64_t label, const Change& change) {
  Shown shown = read(image, records);
  if (shown.conversations.empty()) return;
  shown.view = change.view(shown.view);
  const auto image_index = std::ssize(batch.clip_pixels);
  PackedPrompt& prompt = batch.prompts.emplace_back(pack(shown.conversations, model_.tokenizer));
  for (std::size_t& named : prompt.images) named += static_cast<std::size_t>(image_index);
  for (std::size_t& named : prompt.regions) named += batch.regions.size();
  batch.first_image.push_back(image_index);
  batch.ids.push_back(std::move(shown.ids));
  batch.image_labels.push_back(label);
  add_view(batch, shown, change);
}

void Collator::add_view(Batch& batch, const Shown& shown, const Change& change) const {
  const View& view = shown.view;
  const auto image_index = std::ssize(batch.clip_pixels);
  for (std::size_t i = 0; i < view.masks.size(); ++i) {
    const cv::Mat& mask = view.masks[i];
    at::Tensor cells = grid_cells(mask, model_.config.clip, SmallRegion::CentroidCell).cells;
    if (shown.shows[i] != nullptr)
      batch.targets.push_back({.image = image_index,
                               .number = std::ssize(batch.targets),
                               .structure = shown.shows[i]->structure,
                               .inside = tensor_of(mask).to(at::kFloat),
                               .cells = std::move(cells)});
    else
      batch.regions.push_back({.image = image_index, .cells = change.region(cells)});
  }
  batch.clip_pixels.push_back(clip_pixels(view.rgb, model_.config.clip));
  batch.sam_pixels.push_back(sam_pixels(view.rgb, model_.config.sam));
  batch.sam_letterboxes.push_back(
      letterbox(view.rgb.cols, view.rgb.rows, static_cast<int>(model_.config.sam.image_size)));
}

BatchSampler::BatchSampler(const Recipe& recipe, const FolderFacts& model)
    : recipe_(recipe), collator_(model) {
  reading(Subject::Data, [&] { read_images(model); });
}

void BatchSampler::read_images(const FolderFacts& model) {
  std::vector<std::string> names;
  for (const auto& list : recipe_.train) {
    names.push_back(text_of(list));
    std::ranges::move(read_records(list, recipe_.images, recipe_.max_samples), std::back_inserter(images_));
  }
  need_files(images_);
  const std::string lists = first_five(names);
  left_out_ = drop_unlearnable(images_, model);
  if (images_.empty())
    fail(ErrorCode::Format, lists, " holds no record that can be learnt from.",
         left_out_ == 0 ? "" : text_of(" All ", left_out_, " were left out: ", kUnlearnable, "."));
  cumulative_ = cumulative_weights(images_, recipe_);
  const bool needs_names = recipe_.objective == Objective::Grounding || recipe_.weight["name_link"] > 0 ||
                           recipe_.weight["structure_label"] > 0;
  for (const auto& image : images_) {
    image_labels_.try_emplace({image.set, image.modality, image.kind}, image_label_count());
    for (const auto& record : image.records) {
      if (record.masks.empty()) continue;
      if (needs_names && record.structure.empty())
        fail(ErrorCode::Format, lists, ", record ", record.id,
             " has a mask but no \"structure\", by whose name this recipe teaches it.");
      structures_.insert(record.structure);
    }
  }
  if (!(cumulative_.back() > 0))
    fail(ErrorCode::Format, "objective and set_weight leave no image of ", lists, " to learn from.");
}

std::int64_t BatchSampler::records() const {
  std::int64_t count = 0;
  for (const auto& image : images_) count += std::ssize(image.records);
  return count;
}

std::vector<std::string> BatchSampler::sets_without_images() const {
  std::vector<std::string> names;
  for (const auto& [name, weight] : recipe_.set_weight)
    if (std::ranges::find(images_, name, &ImageRecords::set) == images_.end()) names.push_back(name);
  return names;
}

std::vector<std::string> BatchSampler::modalities_without_images() const {
  std::vector<std::string> names;
  for (const auto& name : recipe_.free_orientation)
    if (std::ranges::find(images_, name, &ImageRecords::modality) == images_.end()) names.push_back(name);
  return names;
}

std::string BatchSampler::labels() const {
  Json kinds = Json::array();
  for (const auto& [kind, label] : image_labels_) kinds.push_back({kind[0], kind[1], kind[2], label});
  return Json{{"images", kinds}, {"structures", structures_}}.dump();
}

RecordsOfImage BatchSampler::draw_records(const ImageRecords& image, Random& random) const {
  RecordsOfImage with_masks, others;
  for (const auto& record : image.records) (record.masks.empty() ? others : with_masks).push_back(&record);
  RecordsOfImage drawn = draw(std::move(with_masks), recipe_.masks_per_image, random);
  if (recipe_.objective == Objective::Grounding) return drawn;
  for (const Record* record : draw(std::move(others), recipe_.questions_per_image, random))
    drawn.push_back(record);
  return drawn;
}

std::int64_t BatchSampler::image_label(const ImageRecords& image) const {
  const auto found = image_labels_.find({image.set, image.modality, image.kind});
  return found == image_labels_.end() ? kIgnoredLabel : found->second;
}

void BatchSampler::add_image(Batch& batch, const ImageRecords& image, const RecordsOfImage& records,
                             Random* random) {
  const bool free = std::ranges::count(recipe_.free_orientation, image.modality) > 0;
  Collator::Change change;
  if (random != nullptr && recipe_.augment)
    change.view = [&](const View& view) { return augment_with_all_masks(view, free, *random); };
  if (random != nullptr)
    change.region = [&](const at::Tensor& cells) { return part_of_region(cells, recipe_.regions, *random); };
  reading(Subject::Data, [&] { collator_.add(batch, image.image, records, image_label(image), change); });
}

Batch BatchSampler::batch(std::int64_t step) {
  Random random(recipe_.seed * 0x9e3779b97f4a7c15ULL + static_cast<std::uint64_t>(step));
  Batch batch;
  for (std::int64_t i = 0; i < recipe_.images_per_step; ++i) {
    const double at = uniform(random, 0, cumulative_.back());
    const auto found = std::ranges::upper_bound(cumulative_, at);
    const auto index =
        std::min<std::size_t>(static_cast<std::size_t>(found - cumulative_.begin()), images_.size() - 1);
    const RecordsOfImage drawn = draw_records(images_[index], random);
    add_image(batch, images_[index], drawn, &random);
  }
  return batch;
}

Batch BatchSampler::plain(const ImageRecords& image) {
  RecordsOfImage all;
  for (const auto& record : image.records) all.push_back(&record);
  Batch batch;
  add_image(batch, image, all, nullptr);
  return batch;
}

}  // namespace medplib::core
