// Asks many questions about one image in one call, a line for each answer: batch IMAGE QUESTION...
#include <exception>
#include <iostream>
#include <medplib.hpp>
#include <string>
#include <variant>
#include <vector>

int main(int argc, char** argv) try {
  if (argc < 3) {
    std::cerr << "usage: batch IMAGE QUESTION...\n";
    return 2;
  }
  medplib::Session session(medplib::Model::load());
  session.set_image(medplib::Image::read(argv[1]));
  const std::vector<std::string> questions(argv + 2, argv + argc);
  const std::vector<medplib::Outcome> outcomes = session.ask_many(questions);
  int failed = 0;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (const auto* answer = std::get_if<medplib::Answer>(&outcomes[i])) {
      std::cout << questions[i] << '\t' << answer->text() << '\n';
    } else {
      std::cerr << "batch: " << questions[i] << ": " << std::get<medplib::Error>(outcomes[i]).what() << '\n';
      failed = 5;  // some failed, as of the program medplib
    }
  }
  return failed;
} catch (const std::exception& error) {
  std::cerr << "batch: " << error.what() << '\n';
  return 1;
}
