#include "model/folder.h"

#include <medplib/core/error.h>

#include <utility>

namespace medplib::core {

namespace {

VerbTemplates verb_templates(const Manifest& manifest) {
  VerbTemplates verbs;
  if (manifest.segment_template) verbs.segment = *manifest.segment_template;
  if (manifest.describe_template) verbs.describe = *manifest.describe_template;
  return verbs;
}

}  // namespace

FolderFacts::FolderFacts(std::filesystem::path given)
    : folder(std::move(given)),
      config(ModelConfig::read(folder / "config.json")),
      manifest(read_manifest(folder)),
      tokenizer(Tokenizer::load(folder)),
      conversation(conversation_template(manifest.conversation_template)),
      verbs(verb_templates(manifest)) {
  if (tokenizer.vocabulary_size() > config.language.vocabulary)
    fail(ErrorCode::Format, "The tokenizer of ", folder, " has ids up to ", tokenizer.vocabulary_size() - 1,
         ", but config.json's vocab_size is ", config.language.vocabulary, ". Take both from one model.");
}

}  // namespace medplib::core
