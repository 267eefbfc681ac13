// Which experts tokens take, by what the tokens are.
#pragma once

#include <medplib/core/names.h>

#include <cstdint>
#include <map>
#include <vector>

namespace medplib::core {

// What a row of the language model's input is.
enum class TokenKind {
  Image,
  Region,
  Question,  // all other text of the prompt
  Answer,
  Seg,  // the row from whose state <SEG> is chosen and a mask is drawn: that before <SEG>
};

template <>
struct Names<TokenKind> {
  static constexpr const char* kind = "kind of token";
  static constexpr NameTable<TokenKind, 5> all = {{{TokenKind::Image, "image"},
                                                   {TokenKind::Region, "region"},
                                                   {TokenKind::Question, "question"},
                                                   {TokenKind::Answer, "answer"},
                                                   {TokenKind::Seg, "seg"}}};
};

// [MoE layer][expert]: tokens that took it.
using ExpertCounts = std::vector<std::vector<std::int64_t>>;

// Of each kind that there is.
using RoutingByKind = std::map<TokenKind, ExpertCounts>;

}  // namespace medplib::core
