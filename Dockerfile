# The app and its worker. Build: docker build -t seatrial . ; run both with compose.yaml.
FROM python:3.12-slim
WORKDIR /app
COPY requirements.txt constraints.txt ./
COPY vendor vendor
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
RUN printf '#!/bin/sh\nexec python -m cli "$@"\n' >/usr/local/bin/seatrial && chmod +x /usr/local/bin/seatrial
ENV SEATRIAL_HOME=/data SEATRIAL_HOST=0.0.0.0 SEATRIAL_IN_CONTAINER=1 PYTHONUNBUFFERED=1
EXPOSE 8501
CMD ["seatrial", "up"]
