// A training step's way through the network: all losses of a batch.
#pragma once

#include "nn/medplib.h"
#include "train/batch.h"
#include "train/recipe.h"
#include "weights/manifest.h"

namespace medplib::core {

struct Losses {
  at::Tensor total;  // scalar, with gradient
  // What it is made of, unweighted; 0 where the batch has none.
  at::Tensor cross_entropy, dice, bce, prompted, router;
};

// `random` draws the clicks and boxes that the mask decoder is taught to follow.
Losses losses_of(const Network& network, const Recipe& recipe, MaskGeometry geometry, const Batch& batch,
                 std::int64_t seg_token, Random& random);

}  // namespace medplib::core
