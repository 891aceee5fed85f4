"""Histograms for ROOT files that have what arrays cannot say: errors of bins, and overflows."""

import numpy as np
from uproot.writing.identify import to_TAxis, to_TH1x, to_TH2x


def weighted(values, errors, *edges, beyond=0.0):
    """A TH1D or TH2D whose bins have errors (Sumw2), and contents beyond its edges."""
    content = np.pad(np.asarray(values, float), 1, constant_values=beyond).T.ravel()
    squares = np.pad(np.square(errors), 1).T.ravel()
    axes = [
        to_TAxis(name, "", len(one) - 1, one[0], one[-1], fXbins=np.asarray(one))
        for name, one in zip(("xaxis", "yaxis"), edges, strict=False)
    ]
    moments = [content.sum()] * 3 + [0.0] * (2 if len(axes) == 1 else 5)
    return (to_TH1x if len(axes) == 1 else to_TH2x)(None, "", content, *moments, squares, *axes)
