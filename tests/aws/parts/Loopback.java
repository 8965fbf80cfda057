import java.net.InetSocketAddress;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.handler.ContextHandler;
import software.amazon.dynamodb.services.local.server.LocalDynamoDBRequestHandler;
import software.amazon.dynamodb.services.local.server.LocalDynamoDBServerHandler;

/** DynamoDB Local on the loopback address: its own launcher listens on all of them, and has no option for it. */
public class Loopback {
  public static void main(String[] arguments) throws Exception {
    // In memory, one database for all regions and credentials.
    LocalDynamoDBRequestHandler database = new LocalDynamoDBRequestHandler(0, true, null, true, false);
    ContextHandler context = new ContextHandler();
    context.setHandler(new LocalDynamoDBServerHandler(database, "*"));
    Server server = new Server(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])));
    server.setHandler(context);
    server.start();
    System.out.println("ready");
    server.join();
  }
}
