"""Tests of the callbacks of `sweep.py`, each with its library; without it they are skipped."""

import importlib.util
import signal
import unittest

from test_sweep import Trial


def needs(*names):
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    return unittest.skipIf(missing, f"not installed: {', '.join(missing)}")


class CallbackTest(unittest.TestCase):
    def train(self, script, stops=False):
        """The metrics of a training, which may be asked to stop once its second step is logged."""
        trial = Trial("import os\nos.environ['CUDA_VISIBLE_DEVICES'] = ''\nimport sweep\n" + script)
        if stops:
            trial.wait_for(lambda: trial.data.count(b"\n") >= 2 or trial.process.poll() is not None)
            trial.process.send_signal(signal.SIGTERM)
        trial.finish()
        self.assertEqual(trial.process.returncode, 0, trial.err)
        if stops:
            self.assertIn("stopped True", trial.out)
            self.assertLess(len(trial.lines()), 1000)
        return trial.lines()

    def steps(self, lines):
        return [line.pop("step") for line in lines]


@needs("keras", "numpy")
class KerasTest(CallbackTest):
    SCRIPT = (
        "os.environ.setdefault('KERAS_BACKEND', 'jax' if {jax} else 'torch')\n"
        "import keras, numpy, time\n"
        "x = numpy.random.rand(64, 3)\n"
        "model = keras.Sequential([keras.layers.Dense(1)])\n"
        "model.compile(loss='mse', metrics=['mae'])\n"
        "callback = sweep.keras_callback()\n"
        "model.fit(x, x[:, :1], validation_split=0.25, epochs={epochs}, callbacks=[callback],\n"
        "    verbose=0)\n"
        "print('stopped', sweep.should_stop())\n"
    )

    def script(self, epochs):
        jax = importlib.util.find_spec("jax") is not None
        return self.SCRIPT.format(epochs=epochs, jax=jax)

    def test_every_epoch_is_logged(self):
        lines = self.train(self.script(3))
        self.assertEqual(self.steps(lines), [1, 2, 3])
        for line in lines:
            self.assertEqual(set(line), {"loss", "mae", "val_loss", "val_mae"})

    def test_a_training_stops_when_asked(self):
        self.train(self.script(100_000), stops=True)


class LightningTests:
    SCRIPT = (
        "import {package} as lightning, torch\n"
        "class Model(lightning.LightningModule):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.layer = torch.nn.Linear(3, 1)\n"
        "    def training_step(self, batch, index):\n"
        "        loss = self.layer(batch[0]).pow(2).mean()\n"
        "        self.log('loss', loss)\n"
        "        self.log('epoch_loss', loss, on_step=False, on_epoch=True)\n"
        "        return loss\n"
        "    def validation_step(self, batch, index):\n"
        "        self.log('val_loss', self.layer(batch[0]).pow(2).mean())\n"
        "    def on_train_epoch_end(self):\n"
        "        self.log('late', float(self.current_epoch + 1))\n"
        "    def configure_optimizers(self):\n"
        "        return torch.optim.SGD(self.parameters(), lr=0.01)\n"
        "rows = torch.utils.data.TensorDataset(torch.rand(64, 3))\n"
        "data = torch.utils.data.DataLoader(rows, 16)\n"
        "trainer = lightning.Trainer(max_epochs={epochs}, accelerator='cpu', logger=False,\n"
        "    callbacks=[sweep.lightning_callback()], enable_progress_bar=False,\n"
        "    enable_model_summary=False, enable_checkpointing=False, check_val_every_n_epoch=2)\n"
        "trainer.fit(Model(), data, data)\n"
        "print('stopped', sweep.should_stop())\n"
    )

    def test_every_epoch_is_logged_and_no_value_twice(self):
        lines = self.train(self.SCRIPT.format(package=self.PACKAGE, epochs=5))
        by_step = {}
        for line in lines:
            step = line.pop("step")
            for name, value in line.items():
                self.assertNotIn(name, by_step.setdefault(step, {}))
                by_step[step][name] = value
        every = {"loss", "epoch_loss", "late"}
        names = {step: set(values) for step, values in by_step.items()}
        validated = every | {"val_loss"}
        self.assertEqual(names, {1: every, 2: validated, 3: every, 4: validated, 5: every})
        self.assertEqual([by_step[step]["late"] for step in range(1, 6)], [1, 2, 3, 4, 5])

    def test_a_training_stops_when_asked(self):
        self.train(self.SCRIPT.format(package=self.PACKAGE, epochs=100_000), stops=True)


@needs("lightning", "torch")
class LightningTest(LightningTests, CallbackTest):
    PACKAGE = "lightning.pytorch"


@needs("pytorch_lightning", "torch")
class PytorchLightningTest(LightningTests, CallbackTest):
    PACKAGE = "pytorch_lightning"


@needs("transformers", "accelerate", "torch")
class TransformersTest(CallbackTest):
    SCRIPT = (
        "import glob, torch, transformers\n"
        "class Model(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.layer = torch.nn.Linear(3, 1)\n"
        "    def forward(self, x, labels=None):\n"
        "        out = self.layer(x)[:, 0]\n"
        "        return {{'loss': (out - labels).pow(2).mean(), 'logits': out}}\n"
        "rows = [{{'x': torch.rand(3), 'labels': torch.tensor(0.5)}} for _ in range(64)]\n"
        "args = transformers.TrainingArguments('out', max_steps={steps}, logging_steps=1,\n"
        "    eval_strategy='steps', eval_steps=2, save_strategy='steps', save_steps=100_000,\n"
        "    report_to=[], disable_tqdm=True, per_device_train_batch_size=8, use_cpu=True)\n"
        "trainer = transformers.Trainer(Model(), args, train_dataset=rows, eval_dataset=rows,\n"
        "    callbacks=[sweep.transformers_callback()])\n"
        "trainer.train()\n"
        "print('stopped', sweep.should_stop(), len(glob.glob('out/checkpoint-*')))\n"
    )

    def test_every_step_is_logged(self):
        lines = self.train(self.SCRIPT.format(steps=4))
        steps = self.steps(lines)
        self.assertEqual(sorted(set(steps)), [1, 2, 3, 4])
        losses = [step for step, line in zip(steps, lines) if "loss" in line]
        evaluations = [step for step, line in zip(steps, lines) if "eval_loss" in line]
        self.assertEqual((losses, evaluations), ([1, 2, 3, 4], [2, 4]))

    def test_a_training_stops_when_asked_and_leaves_a_checkpoint(self):
        trial = self.SCRIPT.format(steps=50_000)
        self.train(trial + "assert glob.glob('out/checkpoint-*')\n", stops=True)


@needs("xgboost", "numpy")
class XgboostTest(CallbackTest):
    SCRIPT = (
        "import numpy, xgboost\n"
        "x = numpy.random.rand(200, 3)\n"
        "data = xgboost.DMatrix(x, x[:, 0] > 0.5)\n"
        "params = {'objective': 'binary:logistic', 'eval_metric': ['logloss', 'auc'],\n"
        "    'nthread': 1}\n"
    )

    def test_every_round_is_logged(self):
        lines = self.train(
            self.SCRIPT + "xgboost.train(params, data, 3, verbose_eval=False,\n"
            "    evals=[(data, 'train'), (data, 'valid')], callbacks=[sweep.xgboost_callback()])\n"
        )
        self.assertEqual(self.steps(lines), [1, 2, 3])
        names = {"train/logloss", "train/auc", "valid/logloss", "valid/auc"}
        for line in lines:
            self.assertEqual(set(line), names)

    def test_folds_have_a_mean_and_a_deviation(self):
        lines = self.train(
            self.SCRIPT
            + "xgboost.cv(params, data, 2, nfold=3, callbacks=[sweep.xgboost_callback()])\n"
        )
        self.assertEqual(self.steps(lines), [1, 2])
        self.assertIn("test/auc", lines[0])
        self.assertIn("test/auc_std", lines[0])

    def test_a_training_stops_when_asked(self):
        self.train(
            self.SCRIPT + "xgboost.train(params, data, 10_000_000, evals=[(data, 'valid')],\n"
            "    verbose_eval=False, callbacks=[sweep.xgboost_callback()])\n"
            "print('stopped', sweep.should_stop())\n",
            stops=True,
        )


@needs("lightgbm", "numpy")
class LightgbmTest(CallbackTest):
    SCRIPT = (
        "import lightgbm, numpy\n"
        "x = numpy.random.rand(200, 3)\n"
        "data = lightgbm.Dataset(x, (x[:, 0] > 0.5).astype(int), free_raw_data=False)\n"
        "params = {'objective': 'binary', 'metric': ['auc', 'binary_logloss'], 'verbose': -1,\n"
        "    'num_threads': 1}\n"
    )

    def test_every_round_is_logged(self):
        lines = self.train(
            self.SCRIPT + "lightgbm.train(params, data, 3,\n"
            "    valid_sets=[data, data.create_valid(x, x[:, 0] > 0.4)],\n"
            "    valid_names=['train', 'valid'], callbacks=[sweep.lightgbm_callback()])\n"
        )
        self.assertEqual(self.steps(lines), [1, 2, 3])
        names = {"train/auc", "train/binary_logloss", "valid/auc", "valid/binary_logloss"}
        for line in lines:
            self.assertEqual(set(line), names)

    def test_folds_have_a_mean_and_a_deviation(self):
        lines = self.train(
            self.SCRIPT
            + "lightgbm.cv(params, data, 2, nfold=3, callbacks=[sweep.lightgbm_callback()])\n"
        )
        self.assertEqual(self.steps(lines), [1, 2])
        self.assertIn("valid/auc", lines[0])
        self.assertIn("valid/auc_std", lines[0])

    def test_a_training_stops_when_asked_and_keeps_its_model(self):
        self.train(
            self.SCRIPT + "booster = lightgbm.train(params, data, 10_000_000, valid_sets=[data],\n"
            "    callbacks=[sweep.lightgbm_callback()])\n"
            "print('stopped', sweep.should_stop())\n"
            "assert 0 < booster.best_iteration == booster.current_iteration()\n",
            stops=True,
        )


if __name__ == "__main__":
    unittest.main()
