"""Write the list of keys anew: `python -m hnlstat.reference`."""

from hnlstat.reference.keys import FILE, write
from hnlstat.reference.walk import walk

write(walk())
print(FILE)
