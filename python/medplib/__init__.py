"""MedPLIB: ask questions about medical images and have structures drawn in them."""
