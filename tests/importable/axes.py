"""The coupling of the dipole, of any flavours and of the muon neutrino alone, for figures."""

from dataclasses import replace

from hnlstat.models.dipole import Dipole

ANY = Dipole.coupling_axis
MU = replace(ANY, name="d_mu", symbol=r"d_{\mu}", flavour="mu")
E = replace(ANY, name="d_e", symbol="d_{e}", flavour="e")
