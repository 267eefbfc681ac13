// Draws what a phrase names and writes its mask as a PNG file: segment IMAGE PHRASE MASK.png
#include <exception>
#include <fstream>
#include <iostream>
#include <medplib.hpp>

int main(int argc, char** argv) try {
  if (argc != 4) {
    std::cerr << "usage: segment IMAGE PHRASE MASK.png\n";
    return 2;
  }
  medplib::Session session(medplib::Model::load());
  session.set_image(medplib::Image::read(argv[1]));
  const auto masks = session.segment(argv[2]).masks();
  if (masks.empty()) {
    std::cerr << "segment: the model sees no " << argv[2] << '\n';
    return 1;
  }
  const medplib::Mask& mask = masks.front();
  std::ofstream file(argv[3], std::ios::binary);
  file << mask.png();
  file.close();
  if (!file) {
    std::cerr << "segment: " << argv[3] << " cannot be written\n";
    return 1;
  }
  std::cout << mask.label() << ": " << mask.area() << " pixels\n";
} catch (const std::exception& error) {
  std::cerr << "segment: " << error.what() << '\n';
  return 1;
}
