"""Pure, vectorised physics of heavy neutral leptons: functions of arrays, natural units in GeV."""
