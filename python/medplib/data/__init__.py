"""Turn folders of medical image sets into training material in MeCoVQA's format."""
