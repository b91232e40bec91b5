"""The mathematics of the neuron, and the loop that runs it: one source, interpreted or compiled."""

from perceptron_core.kernel.activations import Activation, Exp, Identity, Sigmoid, Softplus, Step, Tanh
from perceptron_core.kernel.adaptive import AdaDelta, AdaGrad, Adam, AMSGrad, Nadam, RMSProp
from perceptron_core.kernel.auto import Auto
from perceptron_core.kernel.ladder import Ladder
from perceptron_core.kernel.limits import BLOCK, GRADIENT_LIMIT, LIMIT, NAME_BYTES
from perceptron_core.kernel.losses import LogLoss, Loss, SquaredLoss
from perceptron_core.kernel.margins import HingeLoss, ModifiedHuberLoss, PerceptronLoss, SquaredHingeLoss
from perceptron_core.kernel.neuron import Neuron
from perceptron_core.kernel.optimizers import SGD, AveragedSGD, Momentum, Nesterov, Optimizer
from perceptron_core.kernel.reading import as_doubles
from perceptron_core.kernel.robust import RobustScaler
from perceptron_core.kernel.row import Row
from perceptron_core.kernel.scalers import MinMaxScaler, Scaler, StandardScaler
from perceptron_core.kernel.schedules import Bottou, ExponentialDecay, InverseScaling, Schedule
from perceptron_core.kernel.selfscaled import FTRL, CoinBetting, Normalized
from perceptron_core.kernel.value_losses import (
    AbsoluteLoss,
    EpsilonInsensitiveLoss,
    HuberLoss,
    PoissonLogLoss,
    PoissonLoss,
    QuantileLoss,
)

__all__ = [
    "BLOCK",
    "FTRL",
    "GRADIENT_LIMIT",
    "LIMIT",
    "NAME_BYTES",
    "SGD",
    "AMSGrad",
    "AbsoluteLoss",
    "Activation",
    "AdaDelta",
    "AdaGrad",
    "Adam",
    "Auto",
    "AveragedSGD",
    "Bottou",
    "CoinBetting",
    "EpsilonInsensitiveLoss",
    "Exp",
    "ExponentialDecay",
    "HingeLoss",
    "HuberLoss",
    "Identity",
    "InverseScaling",
    "Ladder",
    "LogLoss",
    "Loss",
    "MinMaxScaler",
    "ModifiedHuberLoss",
    "Momentum",
    "Nadam",
    "Nesterov",
    "Neuron",
    "Normalized",
    "Optimizer",
    "PerceptronLoss",
    "PoissonLogLoss",
    "PoissonLoss",
    "QuantileLoss",
    "RMSProp",
    "RobustScaler",
    "Row",
    "Scaler",
    "Schedule",
    "Sigmoid",
    "Softplus",
    "SquaredHingeLoss",
    "SquaredLoss",
    "StandardScaler",
    "Step",
    "Tanh",
    "as_doubles",
]
