"""Explicit Dirac matrices, in the Dirac representation, for squared amplitudes as traces."""

import numpy as np

_PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
METRIC = np.array([1, -1, -1, -1])
ONE = np.eye(4)
GAMMA = np.array([np.kron([[1, 0], [0, -1]], np.eye(2)), *np.kron([[0, 1], [-1, 0]], _PAULI)])
GAMMA5 = 1j * GAMMA[0] @ GAMMA[1] @ GAMMA[2] @ GAMMA[3]
LEFT, RIGHT = (ONE - GAMMA5) / 2, (ONE + GAMMA5) / 2


def slash(vector):
    """p_mu gamma^mu of a four-vector (E, px, py, pz)."""
    return np.tensordot(METRIC * vector, GAMMA, 1)


def polarised(momentum, mass, spin):
    """u ubar of a particle with a spin four-vector."""
    return (slash(momentum) + mass * ONE) @ (ONE + GAMMA5 @ slash(spin)) / 2


def trace(*factors):
    """Trace of a product."""
    return np.trace(np.linalg.multi_dot(factors))


def contracted(one, two):
    """Product of two traces, (mu, nu) -> factors, contracted in both indices."""
    return sum(
        METRIC[mu] * METRIC[nu] * trace(*one(mu, nu)) * trace(*two(mu, nu))
        for mu in range(4)
        for nu in range(4)
    ).real
