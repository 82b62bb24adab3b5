"""What a maintainer runs by hand; `make` names each."""
