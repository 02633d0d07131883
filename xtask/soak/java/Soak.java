import com.google.gson.Gson;
import com.uber.m3.tally.RootScopeBuilder;
import com.uber.m3.tally.Scope;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.temporal.activity.ActivityInterface;
import io.temporal.activity.ActivityOptions;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowOptions;
import io.temporal.common.reporter.MicrometerClientStatsReporter;
import io.temporal.envconfig.ClientConfigProfile;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.temporal.serviceclient.WorkflowServiceStubsOptions;
import io.temporal.worker.Worker;
import io.temporal.worker.WorkerFactory;
import io.temporal.workflow.QueryMethod;
import io.temporal.workflow.SignalMethod;
import io.temporal.workflow.Workflow;
import io.temporal.workflow.WorkflowInterface;
import io.temporal.workflow.WorkflowMethod;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * A worker and its caller, as anybody would write them with the Java SDK: nothing here knows of certificates.
 *
 * <p>The environment says where Temporal is, the first argument names the task queue. Orders are placed at a steady rate
 * until stdin is closed; then those in hand are waited for. Two lines of JSON tell what happened: one when the first order is
 * complete, one at the end.
 */
public final class Soak {
  /** Milliseconds between two orders. */
  private static final long PERIOD = 2000;

  /** What shows a call that the SDK made again, or a workflow that it had to replay. */
  private static final List<String> METRICS =
      List.of("request_failure", "long_request_failure", "sticky_cache_miss", "workflow_task_execution_failed");

  private static final List<String> STATES =
      List.of("reserving", "waiting for payment", "packing", "shipping", "shipped");

  @ActivityInterface
  public interface Warehouse {
    String reserve(String order);

    String ship(String order);
  }

  public static final class WarehouseImpl implements Warehouse {
    @Override
    public String reserve(String order) {
      return "reserved " + order;
    }

    @Override
    public String ship(String order) {
      return "shipped " + order;
    }
  }

  @WorkflowInterface
  public interface Order {
    @WorkflowMethod
    String run(String order);

    @SignalMethod
    void pay(int amount);

    @QueryMethod
    String state();
  }

  public static final class OrderImpl implements Order {
    private final Warehouse warehouse =
        Workflow.newActivityStub(
            Warehouse.class,
            ActivityOptions.newBuilder().setStartToCloseTimeout(Duration.ofSeconds(30)).build());
    private String state = "reserving";
    private Integer paid;

    @Override
    public String run(String order) {
      String reserved = warehouse.reserve(order);
      state = "waiting for payment";
      Workflow.await(() -> paid != null);
      state = "packing";
      Workflow.sleep(Duration.ofSeconds(2));
      state = "shipping";
      String shipped = warehouse.ship(order);
      state = "shipped";
      return reserved + ", paid " + paid + ", " + shipped;
    }

    @Override
    public void pay(int amount) {
      paid = amount;
    }

    @Override
    public String state() {
      return state;
    }
  }

  private final WorkflowClient client;
  private final String taskQueue;
  private final SimpleMeterRegistry registry;
  private final List<String> failed = new ArrayList<>();
  private int started;
  private int completed;
  private double slowest;

  private Soak(WorkflowClient client, String taskQueue, SimpleMeterRegistry registry) {
    this.client = client;
    this.taskQueue = taskQueue;
    this.registry = registry;
  }

  private void order(int number) {
    String name = taskQueue + "-" + number;
    long begun = System.nanoTime();
    String failure = null;
    try {
      place(name, number);
    } catch (Throwable error) { // Every failure counts, whatever its kind.
      failure = name + ": " + error + (error.getCause() == null ? "" : ": " + error.getCause());
    }
    synchronized (this) {
      started++;
      if (failure == null) {
        completed++;
        slowest = Math.max(slowest, (System.nanoTime() - begun) / 1e9);
      } else {
        failed.add(failure.substring(0, Math.min(300, failure.length())));
      }
    }
  }

  private void place(String name, int number) throws InterruptedException {
    Order order =
        client.newWorkflowStub(
            Order.class,
            WorkflowOptions.newBuilder().setWorkflowId(name).setTaskQueue(taskQueue).build());
    WorkflowClient.start(order::run, name);
    expect(STATES.contains(order.state()), "a state");
    Thread.sleep(2000);
    order.pay(number);
    expect(STATES.contains(order.state()), "a state");
    String result = order.run(name);
    String expected = String.format("reserved %s, paid %d, shipped %s", name, number, name);
    expect(result.equals(expected), expected);
  }

  private static void expect(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError("expected " + what);
    }
  }

  private synchronized void tell() {
    Map<String, Long> metrics = new TreeMap<>();
    for (var meter : registry.getMeters()) {
      String name = meter.getId().getName().replaceFirst("^temporal_", "");
      if (meter instanceof Counter counter && METRICS.contains(name)) {
        for (String tag : List.of("operation", "status_code", "failure_reason")) {
          String value = meter.getId().getTag(tag);
          name = value == null ? name : name + " " + value;
        }
        metrics.merge(name, (long) counter.count(), Long::sum);
      }
    }
    Map<String, Object> told =
        Map.of(
            "started", started,
            "completed", completed,
            "failed", failed,
            "slowest", slowest,
            "metrics", metrics);
    System.out.println(new Gson().toJson(told));
  }

  public static void main(String[] arguments) throws Exception {
    String taskQueue = arguments[0];
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    Scope scope =
        new RootScopeBuilder()
            .reporter(new MicrometerClientStatsReporter(registry))
            .reportEvery(com.uber.m3.util.Duration.ofSeconds(1));
    ClientConfigProfile profile = ClientConfigProfile.load();
    WorkflowServiceStubs stubs =
        WorkflowServiceStubs.newServiceStubs(
            WorkflowServiceStubsOptions.newBuilder(profile.toWorkflowServiceStubsOptions())
                .setMetricsScope(scope)
                .build());
    WorkflowClient client = WorkflowClient.newInstance(stubs, profile.toWorkflowClientOptions());
    WorkerFactory factory = WorkerFactory.newInstance(client);
    Worker worker = factory.newWorker(taskQueue);
    worker.registerWorkflowImplementationTypes(OrderImpl.class);
    worker.registerActivitiesImplementations(new WarehouseImpl());
    factory.start();
    CountDownLatch closed = new CountDownLatch(1);
    Thread listener =
        new Thread(
            () -> {
              try {
                System.in.readAllBytes();
              } catch (java.io.IOException error) {
                // Nobody is there to close it: the same.
              }
              closed.countDown();
            });
    listener.setDaemon(true);
    listener.start();

    Soak soak = new Soak(client, taskQueue, registry);
    soak.order(0);
    soak.tell();
    ExecutorService orders = Executors.newCachedThreadPool();
    int number = 0;
    do {
      int next = ++number;
      orders.execute(() -> soak.order(next));
    } while (!closed.await(PERIOD, TimeUnit.MILLISECONDS));
    orders.shutdown();
    orders.awaitTermination(1, TimeUnit.MINUTES);
    factory.shutdown();
    factory.awaitTermination(20, TimeUnit.SECONDS);
    // The reporter's last round.
    scope.close();
    soak.tell();
    System.exit(0);
  }
}
