# drawsim as an image: docker build --tag drawsim .
#
#   docker run --rm drawsim                                   what it can do
#   docker run --rm --shm-size 1g --volume "$PWD/runs:/work/runs" drawsim train    the demo
#   docker compose up                                         the annotation app: see compose.yaml
#
# For a GPU, with the NVIDIA container toolkit on the host (docker run --gpus all …):
#   docker build --tag drawsim --build-arg BASE=nvidia/cuda:12.6.3-runtime-ubuntu24.04 \
#     --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu126 .
ARG BASE=python:3.12-slim-bookworm

FROM ${BASE} AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ARG EXTRAS=ann,cloud,heic,pgvector,postgresql
# Images of Python have one; those of CUDA get the system's.
RUN command -v python3 >/dev/null || (apt-get update && \
    apt-get install --yes --no-install-recommends python3 python3-venv && \
    rm -rf /var/lib/apt/lists/*)
RUN python3 -m venv /opt/drawsim
ENV PATH=/opt/drawsim/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# Both from one index: torchvision of PyPI does not load beside a torch without CUDA.
RUN pip install --index-url ${TORCH_INDEX} torch torchvision
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY conf conf
COPY docs docs
COPY drawsim drawsim
COPY hydra_plugins hydra_plugins
RUN pip install ".[${EXTRAS}]"

FROM ${BASE}
RUN command -v python3 >/dev/null || (apt-get update && \
    apt-get install --yes --no-install-recommends python3 && rm -rf /var/lib/apt/lists/*)
# Whoever mounts folders may give another: docker run --user "$(id -u):$(id -g)"
RUN useradd --uid 10001 --create-home drawsim && \
    install --directory --owner drawsim --group drawsim /work /store
COPY --from=build /opt/drawsim /opt/drawsim
ENV PATH=/opt/drawsim/bin:$PATH HOME=/home/drawsim PYTHONUNBUFFERED=1
USER drawsim
WORKDIR /work
EXPOSE 7777
ENTRYPOINT ["drawsim"]
CMD ["--help"]
