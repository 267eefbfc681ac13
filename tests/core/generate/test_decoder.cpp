// Decoders by themselves: what each generates, and how it ends.
#include "generate/decoder.h"
#include "generate/session_test.h"
#include "vision/encoded_image.h"
#include "vision/region_cells.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <array>
#include <numeric>

namespace medplib::test {

using core::Decoder;
using core::Finish;
using core::Generated;

class DecoderTest : public SessionTest {
 protected:
  // A prompt in a sequence of its own, and the decoder behind it.
  class Asked {
   public:
    Asked(const core::LoadedModel& model, const at::Tensor& prompt, int most, const AskOptions& options)
        : sequence_(model.facts.config.language, prompt.size(0) + most, model.options()),
          decoder_(model, sequence_, sequence_.extend(model.network.language, {}, prompt, {})[-1], most,
                   options) {}
    bool step() { return decoder_.step(interrupt_); }
    Generated finish() { return decoder_.finish(); }
    Generated to_its_end() {
      while (step()) {
      }
      return finish();
    }

   private:
    core::Interrupt interrupt_{nullptr};
    core::Sequence sequence_;
    Decoder decoder_;
  };

  const core::LoadedModel& model() const { return *model_->loaded(); }

  // Rows (T, C) of the case's question, with its picture and its regions.
  at::Tensor with_picture() const {
    core::EncodedImage image(model().network, model().options(), given_->image);
    std::vector<at::Tensor> regions;
    for (const Region& region : options_.regions) {
      const auto found = core::region_cells(region, given_->image, model().facts.config.clip,
                                            core::SmallRegion::CentroidCell);
      regions.push_back(image.region(found.cells, {}));
    }
    std::vector<std::size_t> numbers(regions.size());
    std::iota(numbers.begin(), numbers.end(), std::size_t{0});
    return rows_of(core::question_parts(question_, std::array{std::size_t{0}}, numbers),
                   std::array{image.tokens({})}, regions);
  }
  at::Tensor of_words(const std::string& question) const {
    return rows_of(core::question_parts(question, {}, {}), {}, {});
  }

 private:
  at::Tensor rows_of(const core::PromptParts& question, std::span<const at::Tensor> images,
                     std::span<const at::Tensor> regions) const {
    const core::PromptTurn turn{.question = question, .answer = {}};
    const core::Prompt prompt =
        core::build_prompt(model().facts.tokenizer, model().facts.conversation, {&turn, 1});
    return model().network.embed_prompt(prompt.ids, images, regions);
  }
};

void expect_same_generated(const Generated& got, const Generated& expected) {
  EXPECT_EQ(got.text, expected.text);
  EXPECT_EQ(got.tokens, expected.tokens);
  EXPECT_EQ(got.finish, expected.finish);
  EXPECT_EQ(got.seg_probability, expected.seg_probability);
  EXPECT_TRUE(at::equal(got.second_to_last, expected.second_to_last));
  ASSERT_EQ(got.segs.size(), expected.segs.size());
  for (std::size_t i = 0; i < got.segs.size(); ++i) {
    EXPECT_TRUE(at::equal(got.segs[i].state, expected.segs[i].state));
    EXPECT_EQ(got.segs[i].probability, expected.segs[i].probability);
  }
}

TEST_F(DecoderTest, two_in_turns_give_what_each_gives_alone) {
  const c10::InferenceMode inference;
  const int most = options_.max_new_tokens;
  const at::Tensor picture = with_picture(), words = of_words("Where is the liver?");
  const Generated picture_alone = Asked(model(), picture, most, options_).to_its_end();
  const Generated words_alone = Asked(model(), words, most, options_).to_its_end();
  ASSERT_FALSE(picture_alone.segs.empty());
  ASSERT_NE(picture_alone.tokens, words_alone.tokens) << "nothing tells one from the other";
  Asked first(model(), picture, most, options_), second(model(), words, most, options_);
  for (bool first_goes_on = true, second_goes_on = true; first_goes_on || second_goes_on;) {
    first_goes_on = first_goes_on && first.step();
    second_goes_on = second_goes_on && second.step();
  }
  expect_same_generated(first.finish(), picture_alone);
  expect_same_generated(second.finish(), words_alone);
}

TEST_F(DecoderTest, ends_at_the_end_token_and_leaves_it_out) {
  const c10::InferenceMode inference;
  const Generated generated = Asked(model(), with_picture(), options_.max_new_tokens, options_).to_its_end();
  EXPECT_EQ(generated.finish, Finish::EndOfText);
  EXPECT_EQ(std::ranges::count(generated.tokens, model().facts.tokenizer.eos()), 0);
}

TEST_F(DecoderTest, ends_when_as_many_tokens_are_made_as_it_may_make) {
  const c10::InferenceMode inference;
  const Generated generated = Asked(model(), with_picture(), 2, options_).to_its_end();
  EXPECT_EQ(generated.finish, Finish::Length);
  EXPECT_EQ(generated.tokens.size(), 2U);
}

TEST_F(DecoderTest, ends_when_the_callback_stops_it) {
  const c10::InferenceMode inference;
  options_.on_text = [](const StreamPiece& piece) {
    return piece.index == 1 ? StreamAction::Stop : StreamAction::Continue;
  };
  const Generated generated = Asked(model(), with_picture(), options_.max_new_tokens, options_).to_its_end();
  EXPECT_EQ(generated.finish, Finish::Stopped);
  EXPECT_EQ(generated.tokens.size(), 2U);
}

}  // namespace medplib::test
