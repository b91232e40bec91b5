# syntax=docker/dockerfile:1
FROM python:3.11-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends g++ libc6-dev \
 && rm -rf /var/lib/apt/lists/*
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src

# The lock's hashes are checked here, for the build tools too; from here on nothing comes from an index.
COPY constraints.txt ./
RUN pip download --quiet --no-deps --require-hashes --dest /wheels -r constraints.txt
ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels

# The dependencies, by an empty package of the same name: their layer outlives every change of the source.
COPY pyproject.toml README.md ./
RUN python -m venv --without-pip /opt/venv \
 && pip --python /opt/venv install --quiet '.[fast,http,otel]'

COPY setup.py ./
COPY perceptron_core perceptron_core
COPY service service
RUN pip wheel --quiet --no-deps --wheel-dir /dist . \
 && pip --python /opt/venv install --quiet --no-deps --force-reinstall /dist/*.whl \
 && /opt/venv/bin/python -I -c 'import service.printer, service.scanner; from perceptron_core.kernel import neuron; assert not neuron.__file__.endswith(".py")'


FROM python:3.11-slim
LABEL org.opencontainers.image.title="perceptron-stream" \
      org.opencontainers.image.description="A Kafka-native online-learning service around a single neuron"
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
COPY --from=build /opt/venv /opt/venv
# Only SQLite files are written, and only here: the root file system may be read-only.
RUN install -d -o 10001 -g 10001 /data
VOLUME /data
WORKDIR /data
USER 10001:10001
ENTRYPOINT ["perceptron"]
CMD ["run"]
