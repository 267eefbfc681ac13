#include "train/name_vectors.h"

#include "model/subject.h"

#include <medplib/core/error.h>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <set>

namespace medplib::core {
namespace {

// Masks of a name from which its vector is taken.
constexpr std::size_t kMasksOfName = 8;

// Names whose vectors nothing in `start` gave, nor the training before it was resumed.
std::vector<std::string> missing_names(const TrainingSetup& setup) {
  std::vector<std::string> names;
  for (const auto& [name, vector] : setup.parts.names)
    if (setup.parameters.source_of(kNames + name) == ValueFrom::Random) names.push_back(name);
  return names;
}

// Whether its question has the structure's name as the data has it, and not in capitals: a model may know
// the one and be about to learn the other.
bool says_the_name(const Record& record) {
  return record.turns.front().question.find(record.structure) != std::string::npos;
}

std::set<std::string> names_said(const TrainingSetup& setup) {
  std::set<std::string> names;
  for (const auto& image : setup.batches.images())
    for (const Record& record : image.records)
      if (!record.masks.empty() && says_the_name(record)) names.insert(record.structure);
  return names;
}

// The mean of what the language model says for each of them, whatever the seed.
void set_from_language(TrainingSetup& setup, std::set<std::string> names,
                       const std::function<void()>& between) {
  const c10::NoGradGuard no_grad;
  const std::set<std::string> said = names_said(setup);
  std::map<std::string, std::vector<at::Tensor>> found;
  const TokenId seg = setup.facts.tokenizer.added("<SEG>");
  for (const auto& image : setup.batches.images()) {
    between();
    ImageRecords wanted = image;
    std::erase_if(wanted.records, [&](const Record& record) {
      return record.masks.empty() || !names.contains(record.structure) ||
             (said.contains(record.structure) && !says_the_name(record));
    });
    if (wanted.records.empty()) continue;
    add_text_prompts(found, setup.network, setup.batches.plain(wanted), seg);
    std::erase_if(names, [&](const std::string& name) { return found[name].size() >= kMasksOfName; });
  }
  for (const auto& [name, prompts] : found)
    if (!prompts.empty()) setup.parameters.set(kNames + name, at::stack(prompts).mean(0));
}

}  // namespace

void set_name_vectors(TrainingSetup& setup, const std::function<void()>& between) {
  const std::vector<std::string> missing = missing_names(setup);
  if (missing.empty()) return;
  if (setup.parameters.has_words())
    set_from_language(setup, {missing.begin(), missing.end()}, between);
  else if (setup.recipe.objective != Objective::Grounding)
    reading(Subject::Data, [&] {
      throw Error(ErrorCode::Format,
                  text_of("\"name_link\" pulls to the vectors that objective \"grounding\" learnt for names, "
                          "but nothing in \"start\" has one for ",
                          first_five(missing), "."),
                  missing);
    });
}

}  // namespace medplib::core
