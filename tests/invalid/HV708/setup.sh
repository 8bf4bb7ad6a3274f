# Where the lock file should be nothing can be opened for writing.
mkdir world.yaml.lock
