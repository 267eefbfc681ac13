// Asks about an image: ask IMAGE QUESTION
#include <exception>
#include <iostream>
#include <medplib.hpp>

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::cerr << "usage: ask IMAGE QUESTION\n";
    return 2;
  }
  medplib::Session session(medplib::Model::load());
  session.set_image(medplib::Image::read(argv[1]));
  std::cout << session.ask(argv[2]).text() << '\n';
} catch (const std::exception& error) {
  std::cerr << "ask: " << error.what() << '\n';
  return 1;
}
