# make demo   set up and run the whole pipeline on the shipped clip and model
# make test   set up and run the tests
# make help   everything else

PYTHON ?= python3
VENV ?= .venv
# TensorFlow and tflite-runtime do not live together in one process, so the trainer has an environment of its own.
TRAINER ?= $(VENV)-trainer
# Home Assistant pins other versions of much, and wants a newer Python.
HOMEASSISTANT ?= $(VENV)-homeassistant
HOMEASSISTANT_PYTHON ?= $(PYTHON)
BENCHMARKS ?= peers latency start motion endurance pipeline stop reload colours runtimes
bin := $(VENV)/bin
pip = $(@D)/bin/python -m pip --disable-pip-version-check
install = $(pip) install --constraint constraints.txt --editable
mediapipe = $(pip) install --no-deps mediapipe==1.2.2

.PHONY: demo trainer test test-trainer test-homeassistant test-system test-faults soak fuzz test-aarch64 install uninstall lint wheels format bench pictures model clip lock clean help
.DEFAULT_GOAL := help

demo: $(VENV)/demo.ready  ## run everything on the shipped clip and model
	@$(bin)/edgecam demo

trainer: $(TRAINER)/trainer.ready  ## set up the trainer, with TensorFlow
	@echo "ready: $(TRAINER)/bin/python -m trainer --help"

# Most of their time they wait: four processes for two cores.
test: $(VENV)/test.ready  ## run the tests
	@scripts/need mosquitto mosquitto_pub=mosquitto-clients openssl cc=build-essential \
		libEGL.so.1=libegl1 libGLESv2.so.2=libgles2  # the libraries are MediaPipe's
	@$(bin)/python -m pytest $(or $(TESTS),--numprocesses 4 --dist loadfile)

test-trainer: $(TRAINER)/test.ready  ## run the tests of the trainer, with TensorFlow
	@scripts/need chromium libEGL.so.1=libegl1 libGLESv2.so.2=libgles2
	@$(TRAINER)/bin/python -m pytest --numprocesses 2 --dist loadgroup $(or $(TESTS),tests/trainer)

test-homeassistant: $(VENV)/test.ready $(HOMEASSISTANT)/homeassistant.ready  ## let Home Assistant itself find a camera
	@scripts/need mosquitto
	@HOMEASSISTANT=$(HOMEASSISTANT)/bin/python $(bin)/python -m pytest $(or $(TESTS),tests/homeassistant)

test-system: $(VENV)/test.ready  ## test what is installed, on booted machines; as root, on Debian
	@scripts/need mmdebstrap qemu-img=qemu-utils qemu-system-x86_64=qemu-system-x86 mkfs.ext4=e2fsprogs ssh=openssh-client
	@$(bin)/python -m pytest --numprocesses 2 --dist loadfile $(or $(TESTS),tests/system)

test-faults: $(VENV)/test.ready  ## kill, cut and unplug all, and count what is lost; best as root
	@scripts/need mosquitto
	@$(bin)/python -m pytest --numprocesses 2 --dist worksteal -rP $(or $(TESTS),tests/faults)

soak: $(VENV)/test.ready  ## full speed, a fault every few seconds: make soak MINUTES=20
	@scripts/need mosquitto
	@$(bin)/python -m tests.faults.soak --minutes $(or $(MINUTES),20) $(if $(PICTURE),--picture $(PICTURE))

fuzz: $(VENV)/fuzz.ready  ## feed rubbish to all that reads: make fuzz MINUTES=10
	@$(bin)/python -m tests.fuzz --minutes $(or $(MINUTES),10)

test-aarch64: $(VENV)/demo.ready  ## run the demo on an emulated Cortex-A76 and here; as root, on Debian 12
	@folder=$$(mktemp -d) && trap 'rm -rf --one-file-system $$folder' EXIT && scripts/aarch64-demo $$folder

install:  ## install as a service, or upgrade it; with sudo
	@scripts/install

uninstall:  ## remove the service, but keep its configuration; with sudo
	@scripts/uninstall

lint: $(VENV)/lint.ready  ## run the linters
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy
	$(bin)/lint-imports

wheels: $(VENV)/lint.ready  ## see that every Python and processor has its wheels
	@scripts/wheels $(bin)/uv

format: $(VENV)/lint.ready  ## lay out the code
	$(bin)/ruff format .
	$(bin)/ruff check --fix .

bench: $(VENV)/test.ready  ## measure speed, latency and memory, beside peers too
	@scripts/need mosquitto libEGL.so.1=libegl1 libGLESv2.so.2=libgles2
	@missed=; for name in $(BENCHMARKS); do \
		echo "== benchmarks/$$name.py"; $(bin)/python benchmarks/$$name.py || missed="$$missed $$name"; \
	done; [ -z "$$missed" ] || { echo "bars were missed by:$$missed"; exit 1; }

pictures: $(VENV)/test.ready $(TRAINER)/trainer.ready  ## draw the pictures of the README anew
	@scripts/need mosquitto chromium
	@$(bin)/python scripts/pictures.py --trainer $(TRAINER)/bin/python

model: $(TRAINER)/trainer.ready  ## make the shipped model anew
	$(TRAINER)/bin/python -m trainer.shipped.model

clip: $(TRAINER)/trainer.ready  ## make the shipped clip anew
	$(TRAINER)/bin/python -m trainer.shipped.clip

lock: $(VENV)/lint.ready  ## pin the newest versions that pyproject.toml allows
	$(bin)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --no-emit-index-url --no-annotate \
		--no-header --all-extras --output-file constraints.txt pyproject.toml

clean:  ## remove what was set up
	rm -rf .venv .venv-trainer .venv-homeassistant .mypy_cache .pytest_cache .ruff_cache .hypothesis

help:  ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*##/ {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/bin/python $(TRAINER)/bin/python:
	@scripts/new-venv $(PYTHON) $(patsubst %/bin/python,%,$@)

# A set-up is made anew only when what it is made from has changed.
$(VENV)/demo.ready: pyproject.toml constraints.txt | $(VENV)/bin/python
	@scripts/quietly "setting up edgecam in $(@D)" $(install) '.[demo]'
	@touch $@

$(VENV)/test.ready: pyproject.toml constraints.txt | $(VENV)/bin/python
	@scripts/quietly "setting up the tests in $(@D)" $(install) '.[test]'
	@scripts/quietly "setting up MediaPipe in $(@D)" $(mediapipe)
	@touch $@

$(VENV)/fuzz.ready: $(VENV)/test.ready
	@scripts/quietly "setting up the fuzzer in $(@D)" $(install) '.[test,fuzz]'
	@touch $@

$(VENV)/lint.ready: pyproject.toml constraints.txt | $(VENV)/bin/python
	@scripts/quietly "setting up the linters in $(@D)" $(install) '.[test,lint]'
	@scripts/quietly "setting up MediaPipe in $(@D)" $(mediapipe)
	@touch $@

$(HOMEASSISTANT)/bin/python:
	@scripts/new-venv $(HOMEASSISTANT_PYTHON) $(HOMEASSISTANT)

$(HOMEASSISTANT)/homeassistant.ready: | $(HOMEASSISTANT)/bin/python
	@scripts/quietly "setting up Home Assistant in $(@D)" $(pip) install homeassistant==2025.4.4 paho-mqtt==2.1.0
	@touch $@

$(TRAINER)/trainer.ready: pyproject.toml constraints.txt | $(TRAINER)/bin/python
	@scripts/quietly "setting up the trainer in $(@D)" $(install) '.[trainer]'
	@scripts/quietly "setting up MediaPipe in $(@D)" $(mediapipe)
	@touch $@

$(TRAINER)/test.ready: pyproject.toml constraints.txt | $(TRAINER)/bin/python
	@scripts/quietly "setting up the trainer and its tests in $(@D)" $(install) '.[trainer,test]'
	@scripts/quietly "setting up MediaPipe in $(@D)" $(mediapipe)
	@touch $@
