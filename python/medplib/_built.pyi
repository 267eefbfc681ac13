# Written by the build.
__version__: str
TORCH: str
