// Shows an answer while it is made: stream IMAGE QUESTION
#include <exception>
#include <iostream>
#include <medplib.hpp>

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::cerr << "usage: stream IMAGE QUESTION\n";
    return 2;
  }
  medplib::Session session(medplib::Model::load());
  session.set_image(medplib::Image::read(argv[1]));
  medplib::AskOptions options;
  options.on_text = [](const medplib::Piece& piece) {
    return std::cout << piece.text << std::flush ? medplib::Action::Continue : medplib::Action::Cancel;
  };
  session.ask(argv[2], options);
  std::cout << '\n';
} catch (const std::exception& error) {
  std::cerr << "stream: " << error.what() << '\n';
  return 1;
}
