"""The couplings of the dipole, of any flavours and of one alone, and |U|^2, for figures."""

from dataclasses import replace

from hnlstat.config.coupling import CouplingAxis
from hnlstat.models.dipole import Dipole

ANY = Dipole.coupling_axis
MU = replace(ANY, name="d_mu", symbol=r"d_{\mu}", flavour="mu")
E = replace(ANY, name="d_e", symbol="d_{e}", flavour="e")
U2 = CouplingAxis("U2", "|U|^2", "mixing", "", "coupling_u2", 1e-14, 1.0)
